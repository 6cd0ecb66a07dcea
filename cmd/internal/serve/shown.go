package serve

import (
	"coder.internal/api"
)

// shownOptions are the options of this server as administrators see them. What
// a secret holds never leaves the process.
func (s *Server) shownOptions() []api.DeploymentOption {
	out := []api.DeploymentOption{}
	for _, o := range Options(&s.cfg, "") {
		v := api.DeploymentOption{Flag: o.Flag, Env: o.Env, YAML: o.YAML, Group: o.Group, Default: o.Default,
			Value: o.Value.String(), Secret: o.Secret, Hidden: o.Hidden}
		if o.Secret && v.Value != "" {
			v.Value = "[set]"
		}
		out = append(out, v)
	}
	return out
}
