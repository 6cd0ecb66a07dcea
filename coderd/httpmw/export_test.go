package httpmw

// MaxCounters is maxCounters.
const MaxCounters = maxCounters

// Count adds one to a counter.
func (l *RateLimit) Count(key string) { l.count(key, 1) }

// Counters returns how many there are.
func (l *RateLimit) Counters() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.now)
}
