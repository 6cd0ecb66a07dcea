package externalauth

import (
	"context"

	"coder.internal/api"
	"coder.internal/api/agentrpc"
	"coder.internal/coderd/httpapi"
)

// Path names a provider.
type Path struct {
	ID string `path:"externalauth" maxLength:"64"`
}

// HandleList: GET /external-auth.
func (s *Service) HandleList(ctx context.Context, _ *struct{}) (*httpapi.Out[api.ListUserExternalAuthResponse], error) {
	return httpapi.Reply(s.List(ctx))
}

// HandleGet: GET /external-auth/{externalauth}.
func (s *Service) HandleGet(ctx context.Context, in *Path) (*httpapi.Out[api.ExternalAuth], error) {
	return httpapi.Reply(s.Get(ctx, in.ID))
}

// HandleUnlink: DELETE /external-auth/{externalauth}.
func (s *Service) HandleUnlink(ctx context.Context, in *Path) (*httpapi.Out[api.DeleteExternalAuthResponse], error) {
	return httpapi.Reply(s.Unlink(ctx, in.ID))
}

// HandleDevice: GET /external-auth/{externalauth}/device.
func (s *Service) HandleDevice(ctx context.Context, in *Path) (*httpapi.Out[api.ExternalAuthDevice], error) {
	return httpapi.Reply(s.Device(ctx, in.ID))
}

// HandleExchangeDevice: POST /external-auth/{externalauth}/device.
func (s *Service) HandleExchangeDevice(ctx context.Context, in *struct {
	Path
	Body api.ExternalAuthDeviceExchange
}) (*httpapi.Empty, error) {
	return &httpapi.Empty{}, s.ExchangeDevice(ctx, in.ID, in.Body.DeviceCode)
}

// AgentInput is what an agent asks for.
type AgentInput struct {
	Match  string `query:"match" maxLength:"2048" doc:"URL that Git asks about"`
	ID     string `query:"id" maxLength:"64" doc:"provider, instead of match"`
	Listen bool   `query:"listen" doc:"wait for the owner to sign in"`
}

// HandleAgent: GET /workspaceagents/me/external-auth.
func (s *Service) HandleAgent(ctx context.Context, in *AgentInput) (*httpapi.Out[agentrpc.ExternalAuthResponse], error) {
	return httpapi.Reply(s.ForAgent(ctx, in.Match, in.ID, in.Listen))
}
