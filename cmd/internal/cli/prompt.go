package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/term"

	"coder.internal/api"
)

// Question asks for one value.
type Question struct {
	Text     string
	Flag     string // what to use where no question can be asked, for the message
	Default  string
	Secret   bool
	Validate func(string) error // nil means anything but empty, unless there is a default
}

// maxAnswer bounds one line of an answer, in bytes.
const maxAnswer = 64 << 10

// maxTries bounds how often a wrong answer is asked for again.
const maxTries = 5

// Ask puts q to the user and returns the answer. Where nobody can answer it is
// an error that names the flag.
func (e *Env) Ask(ctx context.Context, q Question) (string, error) {
	if !e.Interactive() {
		return "", Usage(q.Flag, "A value is needed and standard input is not a terminal; give --"+q.Flag+".")
	}
	for range maxTries {
		text := "> " + q.Text
		if q.Default != "" {
			text += " (" + Inert(q.Default) + ")"
		}
		fmt.Fprint(e.Stderr, text+": ")
		answer, err := e.readAnswer(ctx, q.Secret)
		if err != nil {
			return "", err
		}
		if answer == "" {
			answer = q.Default
		}
		if err := q.check(answer); err != nil {
			fmt.Fprintf(e.Stderr, "  %s\n", Inert(message(err)))
			continue
		}
		return answer, nil
	}
	return "", Usage(q.Flag, "No usable answer after "+strconv.Itoa(maxTries)+" tries.")
}

func message(err error) string {
	var ae *api.Error
	if errors.As(err, &ae) && len(ae.Validations) > 0 {
		return ae.Validations[0].Detail
	}
	return err.Error()
}

func (q Question) check(answer string) error {
	if q.Validate != nil {
		return q.Validate(answer)
	}
	if answer == "" {
		return errors.New("a value is needed")
	}
	return nil
}

// Confirm asks a question with a yes or no; yes is the -y flag. A no, or
// nobody to ask, is an error.
func (e *Env) Confirm(ctx context.Context, yes bool, text string) error {
	if yes {
		return nil
	}
	if !e.Interactive() {
		return &api.Error{Code: api.CodeInvalid, Message: text + " Nobody can answer: standard input is not a terminal. Add --yes if the answer is yes."}
	}
	answer, err := e.Ask(ctx, Question{Text: text + " (yes/no)", Flag: "yes", Default: "no"})
	if err != nil {
		return err
	}
	switch strings.ToLower(answer) {
	case "y", "yes":
		return nil
	}
	return ErrCanceled
}

// Choice is one possibility of Select.
type Choice struct{ Name, Description, Value string }

// Select lets the user pick one of choices by number, name or value.
func (e *Env) Select(ctx context.Context, text, flag, preset string, choices []Choice) (string, error) {
	def := ""
	for i, c := range choices {
		line := fmt.Sprintf("  %d) %s", i+1, Inert(c.Name))
		if c.Description != "" {
			line += " - " + Inert(c.Description)
		}
		if e.Interactive() {
			fmt.Fprintln(e.Stderr, line)
		}
		if c.Value == preset && preset != "" {
			def = strconv.Itoa(i + 1)
		}
	}
	var picked string
	_, err := e.Ask(ctx, Question{Text: text, Flag: flag, Default: def, Validate: func(s string) error {
		if n, err := strconv.Atoi(s); err == nil && n >= 1 && n <= len(choices) {
			picked = choices[n-1].Value
			return nil
		}
		for _, c := range choices {
			if s == c.Value || s == c.Name {
				picked = c.Value
				return nil
			}
		}
		return fmt.Errorf("pick a number from 1 to %d, or a name", len(choices))
	}})
	return picked, err
}

type answer struct {
	text string
	err  error
}

// readAnswer reads one line. When ctx ends first, the reading goroutine is left
// to the end of the process, because a terminal's read cannot be interrupted;
// the terminal itself is put back into order.
func (e *Env) readAnswer(ctx context.Context, secret bool) (string, error) {
	fd, isTerm := e.TerminalIn()
	hide := secret && isTerm
	var state *term.State
	if hide {
		state, _ = term.GetState(fd)
	}
	got := make(chan answer, 1)
	go func() {
		if hide {
			b, err := term.ReadPassword(fd)
			fmt.Fprintln(e.Stderr)
			got <- answer{string(b), err}
			return
		}
		text, err := e.readLine()
		got <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		if state != nil {
			_ = term.Restore(fd, state)
		}
		fmt.Fprintln(e.Stderr)
		return "", ctx.Err()
	case a := <-got:
		if errors.Is(a.err, io.EOF) && a.text == "" {
			return "", errors.New("standard input ended before an answer")
		}
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return "", fmt.Errorf("read answer: %w", a.err)
		}
		return strings.TrimSpace(a.text), nil
	}
}

// readLine reads byte by byte: what follows the line belongs to somebody else.
func (e *Env) readLine() (string, error) {
	if br, ok := e.Stdin.(*bufio.Reader); ok {
		return br.ReadString('\n')
	}
	var b []byte
	one := make([]byte, 1)
	for len(b) < maxAnswer {
		n, err := e.Stdin.Read(one)
		if n == 1 {
			if one[0] == '\n' {
				return string(b), nil
			}
			b = append(b, one[0])
		}
		if err != nil {
			return string(b), err
		}
	}
	return "", fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
}
