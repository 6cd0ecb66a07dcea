package coderd

import (
	"coder.internal/coderd/httpapi"
	"coder.internal/coderd/rbac"
)

// settingRoutes: what people set for themselves, and where they are signed in.
func (s *Server) settingRoutes(a *httpapi.API) {
	u := s.opts.Users
	read, write := rbac.Needs(rbac.ReadPersonal, rbac.TypeUser), rbac.Needs(rbac.UpdatePersonal, rbac.TypeUser)
	const user = "/api/v2/users/{user}"
	httpapi.Register(a, get(user+"/login-type", "Users", "Get login type", read), u.HandleLoginType)
	httpapi.Register(a, get(user+"/appearance", "Users", "Get appearance", read), u.HandleAppearance)
	httpapi.Register(a, put(user+"/appearance", "Users", "Set appearance", write), u.HandleSetAppearance)
	httpapi.Register(a, get(user+"/preferences", "Users", "Get preferences", read), u.HandlePreferences)
	httpapi.Register(a, put(user+"/preferences", "Users", "Set preferences", write), u.HandleSetPreferences)
	httpapi.Register(a, get(user+"/quiet-hours", "Users", "Get quiet hours", read), u.HandleQuietHours)
	httpapi.Register(a, put(user+"/quiet-hours", "Users", "Set quiet hours", write), u.HandleSetQuietHours)
	httpapi.Register(a, get(user+"/keys", "Users", "List sessions", rbac.Needs(rbac.Read, rbac.TypeAPIKey)), s.opts.Auth.HandleSessions)
}
