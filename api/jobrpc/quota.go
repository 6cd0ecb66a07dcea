package jobrpc

import "coder.internal/api"

// MaxDailyCost bounds what one build may cost a day.
const MaxDailyCost = 1_000_000_000

// QuotaRequest asks, after a build was planned and before it is applied, whether
// what it will cost a day is allowed. Where it is, the queue counts it from then on.
// Only a BuildWork that says Quota asks.
type QuotaRequest struct {
	JobID     api.ID `json:"job_id"`
	Attempt   int    `json:"attempt"`
	DailyCost int    `json:"daily_cost"`
}

// QuotaResponse holds why the build may not be made, a sentence for people; empty
// when it may.
type QuotaResponse struct {
	Refused string `json:"refused,omitempty"`
}
