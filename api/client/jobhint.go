package client

import (
	"encoding/json"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
)

// CancelHints implements provisionerd.Hinter: the channel gets a hint when the
// server says that somebody wants the job to end. It holds at most one and is
// never closed. A server of an older release says nothing. There is one hearer of
// a job; the last one counts.
func (s *JobSource) CancelHints(jobID api.ID) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hints[jobID] = c
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.hints[jobID] == c {
			delete(s.hints, jobID)
		}
	}
}

// pushed takes what the server says without being asked; what is not known is
// from a newer server, and passed over.
func (s *JobSource) pushed(req jobrpc.Request) {
	var hint jobrpc.CancelHint
	if req.Method != jobrpc.MethodCancelHint || json.Unmarshal(req.Params, &hint) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.hints[hint.JobID] <- struct{}{}: // nil for a job that nobody hears of
	default:
	}
}
