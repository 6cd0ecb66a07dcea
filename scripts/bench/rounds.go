package main

import (
	"context"
	"fmt"
	"time"
)

// contender is one side of a comparison. run makes one attempt and returns its
// values, always the same number of them in the same order.
type contender struct {
	what string
	run  func(ctx context.Context) ([]float64, error)
}

// single is a contender with one value, in seconds.
func single(what string, run func(ctx context.Context) (time.Duration, error)) contender {
	return contender{what, func(ctx context.Context) ([]float64, error) {
		d, err := run(ctx)
		return []float64{d.Seconds()}, err
	}}
}

// rounds lets the contenders take turns: ours, reference, ours, reference, so
// that a change of the machine's load meets all of them. The first warm rounds
// are not counted. The result holds, for each contender, a series for each of
// its values.
func rounds(ctx context.Context, n, warm int, cs ...contender) ([][]series, error) {
	out := make([][]series, len(cs))
	for i := range n + warm {
		for c, who := range cs {
			values, err := who.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", who.what, err)
			}
			if i < warm {
				continue
			}
			if out[c] == nil {
				out[c] = make([]series, len(values))
			}
			for v, x := range values {
				out[c][v] = append(out[c][v], x)
			}
		}
	}
	return out, nil
}
