package machine

import "errors"

// Disk does not know volumes of Windows: errors.ErrUnsupported.
func Disk(string) (Figure, error) { return Figure{}, errors.ErrUnsupported }
