package api

// AWSInstanceIdentityToken is what a machine of AWS shows. AgentName picks one of
// several agents of the machine.
type AWSInstanceIdentityToken struct {
	Signature string `json:"signature" maxLength:"32768"`
	Document  string `json:"document" maxLength:"32768"`
	AgentName string `json:"agent_name,omitempty" maxLength:"64"`
}

// AzureInstanceIdentityToken is what a machine of Azure shows.
type AzureInstanceIdentityToken struct {
	Signature string `json:"signature" maxLength:"32768"`
	Encoding  string `json:"encoding" maxLength:"32"`
	AgentName string `json:"agent_name,omitempty" maxLength:"64"`
}

// GoogleInstanceIdentityToken is what a machine of Google shows.
type GoogleInstanceIdentityToken struct {
	JSONWebToken string `json:"json_web_token" maxLength:"32768"`
	AgentName    string `json:"agent_name,omitempty" maxLength:"64"`
}

// AgentAuthenticateResponse holds the agent's token.
type AgentAuthenticateResponse struct {
	SessionToken Secret `json:"session_token"`
}
