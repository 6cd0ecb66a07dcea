package resume

// ring holds the bytes of a stream from first to last, by their offsets. It grows up
// to window. It is not safe for concurrent use; who writes into what space returned,
// or reads what part returned, needs no lock for that.
type ring struct {
	buf         []byte // a power of two long, or nil
	first, last uint64
}

func (r *ring) len() int  { return int(r.last - r.first) }
func (r *ring) room() int { return window - r.len() }

// grow makes room for n more, which room allows.
func (r *ring) grow(n int) {
	size := max(len(r.buf), firstBuffer)
	for size < r.len()+n {
		size *= 2
	}
	if size == len(r.buf) {
		return
	}
	buf := make([]byte, size)
	for off := r.first; off < r.last; {
		p := r.part(off, r.last)
		for len(p) > 0 {
			m := copy(buf[off&uint64(size-1):], p)
			p, off = p[m:], off+uint64(m)
		}
	}
	r.buf = buf
}

// part returns bytes from an offset on, up to the end of the buffer or to.
func (r *ring) part(from, to uint64) []byte {
	i := int(from & uint64(len(r.buf)-1))
	return r.buf[i:min(len(r.buf), i+int(to-from))]
}

// space returns where the next bytes go, at most n.
func (r *ring) space(n int) []byte {
	r.grow(n)
	return r.part(r.last, r.last+uint64(n))
}

// put copies as much of p as there is room for.
func (r *ring) put(p []byte) int {
	p = p[:min(len(p), r.room())]
	n := 0
	for n < len(p) {
		m := copy(r.space(len(p)-n), p[n:])
		n, r.last = n+m, r.last+uint64(m)
	}
	return n
}

// get copies into p what there is, and forgets it.
func (r *ring) get(p []byte) int {
	n := 0
	for n < len(p) && r.first < r.last {
		m := copy(p[n:], r.part(r.first, r.last))
		n, r.first = n+m, r.first+uint64(m)
	}
	return n
}

// shrink frees a buffer that holds nothing.
func (r *ring) shrink() {
	if r.first == r.last && len(r.buf) > firstBuffer {
		r.buf = nil
	}
}
