package configssh

import (
	"bytes"
	"errors"
	"strings"
)

// The markers. Each stands on a line of its own. They are those that the
// existing client writes, so that its block is replaced and not doubled.
const (
	startMark = "# ------------START-CODER-----------"
	endMark   = "# ------------END-CODER------------"
)

// Split cuts a configuration into what is before the block, the block without
// its markers, and what follows. Without a block everything is before it. More
// than one marker of a kind, or one without the other, is an error: it is not
// known what may be replaced.
func Split(b []byte) (before, block, after []byte, err error) {
	starts, ends := marks(b, startMark), marks(b, endMark)
	if len(starts) == 0 && len(ends) == 0 {
		return b, nil, nil, nil
	}
	if len(starts) != 1 || len(ends) != 1 || starts[0] > ends[0] {
		return nil, nil, nil, errors.New("the block of config-ssh is damaged; remove its lines from " +
			"\"" + startMark + "\" to \"" + endMark + "\" and try again")
	}
	from, to := starts[0], ends[0]
	block = b[lineEnd(b, from):to]
	return b[:from], block, b[lineEnd(b, to):], nil
}

// marks returns the offsets of the lines that are exactly mark.
func marks(b []byte, mark string) []int {
	var out []int
	for pos := 0; pos < len(b); pos = lineEnd(b, pos) {
		if strings.TrimSpace(string(b[pos:lineEnd(b, pos)])) == mark {
			out = append(out, pos)
		}
	}
	return out
}

// lineEnd returns the offset behind the line that begins at pos.
func lineEnd(b []byte, pos int) int {
	if i := bytes.IndexByte(b[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(b)
}

// Join puts a block between its surroundings. In a file without a block it goes
// to the end, after an empty line.
func Join(before, block, after []byte) []byte {
	var out bytes.Buffer
	out.Write(before)
	if len(before) > 0 && before[len(before)-1] != '\n' {
		out.WriteString("\n")
	}
	if after == nil && len(before) > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n\n")) {
		out.WriteString("\n")
	}
	out.WriteString(startMark + "\n")
	out.Write(block)
	if len(block) > 0 && block[len(block)-1] != '\n' {
		out.WriteString("\n")
	}
	out.WriteString(endMark + "\n")
	out.Write(after)
	return out.Bytes()
}

// diff shows the lines that go and come, with those of both left out.
func diff(old, next []byte) string {
	a, b := strings.SplitAfter(string(old), "\n"), strings.SplitAfter(string(next), "\n")
	had := map[string]int{}
	for _, l := range a {
		had[l]++
	}
	has := map[string]int{}
	for _, l := range b {
		has[l]++
	}
	var out strings.Builder
	for _, l := range a {
		if l != "" && has[l] == 0 {
			out.WriteString("- " + strings.TrimRight(l, "\n") + "\n")
		}
	}
	for _, l := range b {
		if l != "" && had[l] == 0 {
			out.WriteString("+ " + strings.TrimRight(l, "\n") + "\n")
		}
	}
	return out.String()
}

// remembered returns the options of this run for the next one.
func (o *options) remembered() []string {
	var out []string
	for _, s := range o.sshOptions {
		out = append(out, "ssh-option="+s)
	}
	if o.prefix != "" {
		out = append(out, "ssh-host-prefix="+o.prefix)
	}
	if o.suffix != "" {
		out = append(out, "hostname-suffix="+o.suffix)
	}
	if o.wait != "auto" {
		out = append(out, "wait="+o.wait)
	}
	if o.disableAutostart {
		out = append(out, "disable-autostart=true")
	}
	return out
}

// previous takes over the options of the last run that this one does not give.
func (o *options) previous(block []byte, changed func(string) bool) {
	var sshOptions []string
	for line := range strings.Lines(string(block)) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), optionsMark)
		if !ok {
			continue
		}
		name, value, _ := strings.Cut(rest, "=")
		if changed(name) {
			continue
		}
		switch name {
		case "ssh-option":
			sshOptions = append(sshOptions, value)
		case "ssh-host-prefix":
			o.prefix = value
		case "hostname-suffix":
			o.suffix = value
		case "wait":
			if value == "yes" || value == "no" {
				o.wait = value
			}
		case "disable-autostart":
			o.disableAutostart = value == "true"
		}
	}
	if len(sshOptions) > 0 {
		o.sshOptions = sshOptions
	}
}
