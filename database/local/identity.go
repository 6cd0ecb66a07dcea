package local

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path"
	"time"
)

// The layout of pg_control in PostgreSQL 18, and of the first page of a WAL
// segment. The checksum covers all before it, so a file of another layout is
// noticed.
const (
	controlPath    = "global/pg_control"
	controlVersion = 1800
	controlNonceAt = 257
	controlSumAt   = 292
	walFlagsAt     = 2
	walLongHeader  = 2
	walSystemAt    = 24
	walHeaderSize  = 40
)

// identity is what makes one cluster another than the next: 4 bytes of its
// system identifier, and the nonce of logins that pretend to check a password.
type identity [4 + 32]byte

// setIdentity makes the stopped cluster in dir one of its own, as initdb would
// have: backup and replication tools know a cluster by its system identifier,
// which is the time it was made and some random bits.
func setIdentity(dir string, random identity, now time.Time) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a directory handle
	system := uint64(now.Unix())<<32 | uint64(binary.LittleEndian.Uint32(random[:4]))
	old, err := setControl(root, system, random[4:])
	if err != nil {
		return fmt.Errorf("%s: %w", controlPath, err)
	}
	segments, err := readNames(root, segmentDir)
	if err != nil {
		return err
	}
	for _, name := range segments {
		if name = path.Join(segmentDir, name); !segmentName.MatchString(name) {
			continue
		}
		if err := setSegment(root, name, old, system); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func readNames(root *os.Root, dir string) ([]string, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

// setControl returns the system identifier that was there.
func setControl(root *os.Root, system uint64, nonce []byte) (old uint64, err error) {
	var head [controlSumAt + 4]byte
	err = change(root, controlPath, head[:], func() error {
		table := crc32.MakeTable(crc32.Castagnoli)
		order := binary.LittleEndian
		if v := order.Uint32(head[8:]); v != controlVersion {
			return fmt.Errorf("version %d, not %d", v, controlVersion)
		}
		if crc32.Checksum(head[:controlSumAt], table) != order.Uint32(head[controlSumAt:]) {
			return errors.New("the checksum does not fit")
		}
		old = order.Uint64(head[:])
		order.PutUint64(head[:], system)
		copy(head[controlNonceAt:], nonce)
		order.PutUint32(head[controlSumAt:], crc32.Checksum(head[:controlSumAt], table))
		return nil
	})
	return old, err
}

func setSegment(root *os.Root, name string, old, system uint64) error {
	var head [walHeaderSize]byte
	return change(root, name, head[:], func() error {
		order := binary.LittleEndian
		if order.Uint16(head[walFlagsAt:])&walLongHeader == 0 || order.Uint64(head[walSystemAt:]) != old {
			return errors.New("not the first page of a segment of this cluster")
		}
		order.PutUint64(head[walSystemAt:], system)
		return nil
	})
}

// change reads the head of a file, lets edit work on it, and writes it back.
func change(root *os.Root, name string, head []byte, edit func() error) error {
	f, err := root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if _, err = f.ReadAt(head, 0); err == nil {
		err = edit()
	}
	if err == nil {
		_, err = f.WriteAt(head, 0)
	}
	return errors.Join(err, f.Close())
}
