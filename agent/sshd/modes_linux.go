package sshd

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// applyModes sets the terminal modes of a pty-req (RFC 4254 §8): one byte of
// opcode, four of value, until opcode 0 or one from 160 on. Unknown ones are
// skipped, and a terminal that refuses keeps its defaults.
func applyModes(tty *os.File, modes string) {
	t, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return
	}
	for b := []byte(modes); len(b) >= 5 && b[0] != 0 && b[0] < 160; b = b[5:] {
		applyMode(t, b[0], binary.BigEndian.Uint32(b[1:5]))
	}
	_ = unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, t)
}

func applyMode(t *unix.Termios, op byte, value uint32) {
	chars := map[byte]int{1: unix.VINTR, 2: unix.VQUIT, 3: unix.VERASE, 4: unix.VKILL, 5: unix.VEOF,
		6: unix.VEOL, 7: unix.VEOL2, 8: unix.VSTART, 9: unix.VSTOP, 10: unix.VSUSP,
		12: unix.VREPRINT, 13: unix.VWERASE, 14: unix.VLNEXT, 18: unix.VDISCARD}
	input := map[byte]uint32{30: unix.IGNPAR, 31: unix.PARMRK, 32: unix.INPCK, 33: unix.ISTRIP,
		34: unix.INLCR, 35: unix.IGNCR, 36: unix.ICRNL, 37: unix.IUCLC, 38: unix.IXON,
		39: unix.IXANY, 40: unix.IXOFF, 41: unix.IMAXBEL, 42: unix.IUTF8}
	local := map[byte]uint32{50: unix.ISIG, 51: unix.ICANON, 52: unix.XCASE, 53: unix.ECHO,
		54: unix.ECHOE, 55: unix.ECHOK, 56: unix.ECHONL, 57: unix.NOFLSH, 58: unix.TOSTOP,
		59: unix.IEXTEN, 60: unix.ECHOCTL, 61: unix.ECHOKE, 62: unix.PENDIN}
	output := map[byte]uint32{70: unix.OPOST, 71: unix.OLCUC, 72: unix.ONLCR, 73: unix.OCRNL,
		74: unix.ONOCR, 75: unix.ONLRET}
	if at, ok := chars[op]; ok {
		t.Cc[at] = byte(value)
		if value == 255 { // RFC 4254: disabled
			t.Cc[at] = 0
		}
		return
	}
	set := func(flags *uint32, bit uint32) {
		*flags &^= bit
		if value != 0 {
			*flags |= bit
		}
	}
	set(&t.Iflag, input[op]) // an op that is not in a table sets no bit
	set(&t.Lflag, local[op])
	set(&t.Oflag, output[op])
}
