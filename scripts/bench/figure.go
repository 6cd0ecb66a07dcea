package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// series are the values of one contender in the order in which they were taken.
type series []float64

// side is a series in short.
type side struct {
	What   string  `json:"what,omitempty"`
	N      int     `json:"n"`
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

func (s series) side(what string) side {
	if len(s) == 0 {
		return side{What: what}
	}
	sorted := slices.Sorted(slices.Values(s))
	mid := len(sorted) / 2
	median := sorted[mid]
	if len(sorted)%2 == 0 {
		median = (sorted[mid-1] + sorted[mid]) / 2
	}
	return side{What: what, N: len(s), Min: round(sorted[0]), Median: round(median), Max: round(sorted[len(s)-1])}
}

// round keeps four significant digits: the rest is noise.
func round(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return v
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// figure is one line of output. Ratio is our median over that of the reference.
type figure struct {
	Figure    string  `json:"figure"`
	Unit      string  `json:"unit"`
	N         int     `json:"n"`
	Min       float64 `json:"min"`
	Median    float64 `json:"median"`
	Max       float64 `json:"max"`
	Reference *side   `json:"reference,omitempty"`
	Ratio     float64 `json:"ratio,omitempty"`
	Also      []side  `json:"also,omitempty"`
	Goal      string  `json:"goal,omitempty"`
	Met       *bool   `json:"met,omitempty"`
}

// goal is a limit of our median: an amount, or a multiple of the reference, or
// an amount over the reference.
type goal struct {
	amount, times float64
	least         bool // the limit is a lower one
}

func atMost(amount float64) goal     { return goal{amount: amount} }
func atLeast(amount float64) goal    { return goal{amount: amount, least: true} }
func atMostTimes(x float64) goal     { return goal{times: x} }
func atLeastTimes(x float64) goal    { return goal{times: x, least: true} }
func atMostPlus(amount float64) goal { return goal{amount: amount, times: 1} }

func (g goal) String() string {
	sign := "≤ "
	if g.least {
		sign = "≥ "
	}
	num := strconv.FormatFloat(g.amount, 'g', 4, 64)
	switch {
	case g.times == 0:
		return sign + num
	case g.amount == 0:
		return sign + strconv.FormatFloat(g.times, 'g', 4, 64) + " × reference"
	}
	return sign + "reference + " + num
}

func (g goal) met(ours, reference float64) bool {
	limit := g.amount + g.times*reference
	if g.least {
		return ours >= limit
	}
	return ours <= limit
}

// newFigure sums up our values; reference is nil, or what we are compared with.
func newFigure(name, unit string, ours series, reference *side, goals ...goal) figure {
	s := ours.side("")
	f := figure{Figure: name, Unit: unit, N: s.N, Min: s.Min, Median: s.Median, Max: s.Max, Reference: reference}
	ref := 0.0
	if reference != nil && reference.Median != 0 {
		ref = reference.Median
		f.Ratio = round(s.Median / ref)
	}
	var texts []string
	met := true
	for _, g := range goals {
		texts = append(texts, g.String())
		met = met && g.met(s.Median, ref)
	}
	if len(texts) > 0 {
		f.Goal, f.Met = strings.Join(texts, "; "), &met
	}
	return f
}

func (f figure) print(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(f); err != nil {
		return fmt.Errorf("print figure %q: %w", f.Figure, err)
	}
	return nil
}
