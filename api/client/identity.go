package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"coder.internal/api"
)

// Identity is what a cloud has signed for this machine: Cloud is aws, azure or
// google, Body the matching api type.
type Identity struct {
	Cloud string
	Body  any
}

// DecodeAzure reads the answer of Azure's attested data.
func DecodeAzure(text, agent string) (api.AzureInstanceIdentityToken, error) {
	var t api.AzureInstanceIdentityToken
	if json.Unmarshal([]byte(text), &t) != nil || t.Signature == "" {
		return t, errors.New("the attested data of Azure is not readable")
	}
	t.AgentName = agent
	return t, nil
}

// ExchangeIdentity shows what a cloud has signed and returns the agent's token.
// Token need not be set.
func (c *AgentClient) ExchangeIdentity(ctx context.Context, id Identity) (api.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, agentCallTimeout)
	defer cancel()
	var out api.AgentAuthenticateResponse
	err := c.call(ctx, http.MethodPost, "/api/v2/workspaceagents/"+id.Cloud+"-instance-identity", id.Body, &out)
	if err == nil && out.SessionToken == "" {
		err = errors.New("the server gave no token")
	}
	return out.SessionToken, err
}
