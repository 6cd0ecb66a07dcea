package child

// DefaultSignals does nothing: Windows has no signals that are inherited.
func DefaultSignals() {}
