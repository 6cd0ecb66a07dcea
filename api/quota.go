package api

// WorkspaceQuota is what the workspaces of a user cost a day in an organization,
// and what they may. A budget of -1 is none: the organization sets no limits.
type WorkspaceQuota struct {
	CreditsConsumed int `json:"credits_consumed"`
	Budget          int `json:"budget"`
}

// NoQuota is the budget of organizations without limits.
const NoQuota = -1

// CodeInsufficientQuota is the code of a build that was ended before it changed
// anything, because its owner's budget does not allow it.
const CodeInsufficientQuota = "INSUFFICIENT_QUOTA"
