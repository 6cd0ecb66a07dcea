package terraform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"coder.internal/api"
	"coder.internal/api/initscript"
	"coder.internal/api/jobrpc"
)

// baseEnv is what every run of Terraform gets: the environment of the operator,
// where provider credentials are, without what is the server's.
func baseEnv(opts Options, cliConfig, tmp string) map[string]string {
	env := map[string]string{}
	for _, kv := range opts.Environ {
		name, value, _ := strings.Cut(kv, "=")
		if !private(name) && allowed(name, opts.EnvAllow) {
			env[name] = value
		}
	}
	if opts.User != nil {
		// What names the home of root is of no use to another user.
		for _, name := range []string{"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
			"DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK", "MAIL"} {
			delete(env, name)
		}
		env["USER"], env["LOGNAME"] = opts.User.Name, opts.User.Name
	}
	if env["HOME"] == "" || !slices.Contains(opts.EnvAllow, "HOME") {
		env["HOME"] = filepath.Join(opts.WorkDir, "home")
	}
	env["TMPDIR"] = tmp
	// An agent that a job starts on this host must not live in a directory that
	// ends with the job; its init script knows it by this name.
	env["CODER_PROVISIONER_TMPDIR"] = tmp
	if opts.DataDir != "" {
		env["XDG_DATA_HOME"] = opts.DataDir
	}
	env["TF_CLI_CONFIG_FILE"] = cliConfig
	env["CHECKPOINT_DISABLE"] = "1"
	if env["GOGC"] == "" {
		// Terraform and providers are short Go programs: a later collection saves 7 %
		// of a build's processor time. Init scripts take it out again.
		env["GOGC"] = "400"
	}
	return env
}

// private reports whether a variable belongs to the server, or would change how
// Terraform behaves under us.
func private(name string) bool {
	for _, prefix := range []string{"CODER_", "PG", "TF_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "" || name == "NOTIFY_SOCKET" || name == "LISTEN_FDS" || name == "LISTEN_PID" ||
		name == "CREDENTIALS_DIRECTORY"
}

// basics are what programs need to run at all; no list leaves them out.
var basics = []string{"PATH", "LANG", "LC_*", "TZ", "USER", "LOGNAME", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "GORACE"}

// allowed reports whether a variable is in the operator's list; without a list
// all are. An entry that ends with * names all that begin like it.
func allowed(name string, list []string) bool {
	if len(list) == 0 {
		return true
	}
	return slices.ContainsFunc(slices.Concat(basics, list), func(entry string) bool {
		prefix, many := strings.CutSuffix(entry, "*")
		return name == entry || many && strings.HasPrefix(name, prefix)
	})
}

// jobEnv is baseEnv and what coder/coder reads from its environment.
func (p *Provisioner) jobEnv(m jobrpc.Meta, t api.Transition) (map[string]string, error) {
	env := maps.Clone(p.env)
	groups, err := json.Marshal(nonNil(m.OwnerGroups))
	if err != nil {
		return nil, fmt.Errorf("encode groups: %w", err)
	}
	roles, err := json.Marshal(nonNil(m.OwnerRoles))
	if err != nil {
		return nil, fmt.Errorf("encode roles: %w", err)
	}
	transition := string(t)
	if t == api.TransitionDelete {
		transition = "destroy"
	}
	maps.Copy(env, map[string]string{
		"CODER_AGENT_URL":                       strings.TrimRight(m.AccessURL, "/"),
		"CODER_WORKSPACE_TRANSITION":            transition,
		"CODER_WORKSPACE_NAME":                  m.WorkspaceName,
		"CODER_WORKSPACE_ID":                    m.WorkspaceID.String(),
		"CODER_WORKSPACE_TEMPLATE_ID":           m.TemplateID.String(),
		"CODER_WORKSPACE_TEMPLATE_NAME":         m.TemplateName,
		"CODER_WORKSPACE_TEMPLATE_VERSION":      m.TemplateVersion,
		"CODER_WORKSPACE_OWNER":                 m.OwnerName,
		"CODER_WORKSPACE_OWNER_ID":              m.OwnerID.String(),
		"CODER_WORKSPACE_OWNER_NAME":            m.OwnerFullName,
		"CODER_WORKSPACE_OWNER_EMAIL":           m.OwnerEmail,
		"CODER_WORKSPACE_OWNER_GROUPS":          string(groups),
		"CODER_WORKSPACE_OWNER_RBAC_ROLES":      string(roles),
		"CODER_WORKSPACE_OWNER_LOGIN_TYPE":      string(m.OwnerLoginType),
		"CODER_WORKSPACE_OWNER_SSH_PUBLIC_KEY":  m.OwnerSSHPublic,
		"CODER_WORKSPACE_OWNER_SSH_PRIVATE_KEY": m.OwnerSSHPrivate.Reveal(),
		"CODER_WORKSPACE_OWNER_SESSION_TOKEN":   m.OwnerSession.Reveal(),
	})
	for _, pl := range initscript.Platforms() {
		script, _ := initscript.Render(pl.OS, pl.Arch)
		// Of the access URL the provider would keep scheme and host only; a server
		// may have its place below a path. How to sign in is the provider's to say.
		env["CODER_AGENT_SCRIPT_"+pl.OS+"_"+pl.Arch] = initscript.Fill(script, m.AccessURL, "${AUTH_TYPE}")
	}
	for _, a := range m.ExternalAuth {
		env["CODER_EXTERNAL_AUTH_ACCESS_TOKEN_"+a.ID] = a.AccessToken.Reveal()
		env["CODER_GIT_AUTH_ACCESS_TOKEN_"+a.ID] = a.AccessToken.Reveal()
	}
	for name, value := range env {
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("environment variable %s holds a zero byte", name)
		}
	}
	return env, nil
}

// buildEnv is jobEnv and the parameters of a build.
func (p *Provisioner) buildEnv(b *jobrpc.BuildWork) (map[string]string, error) {
	env, err := p.jobEnv(b.Meta, b.Meta.Transition)
	if err != nil {
		return nil, err
	}
	env["CODER_WORKSPACE_BUILD_ID"] = b.BuildID.String()
	for _, v := range b.Parameters {
		if err := fitsEnv(v); err != nil {
			return nil, err
		}
		env["CODER_PARAMETER_"+nameHash(v.Name)] = v.Value
	}
	for _, v := range b.PreviousParameters {
		if fitsEnv(v) != nil {
			continue // only tells templates what was; it must not end the build
		}
		env["CODER_PARAMETER_PREVIOUS_"+nameHash(v.Name)] = v.Value
	}
	return env, nil
}

// maxEnv is the longest value that a variable of the environment takes on Linux
// (MAX_ARG_STRLEN), less its name.
const maxEnv = 128<<10 - 256

// fitsEnv refuses a parameter that cannot be handed to the provider.
func fitsEnv(v api.ParameterValue) error {
	switch {
	case len(v.Value) > maxEnv:
		return fmt.Errorf("the value of parameter %q has %d bytes, at most %d can be given to Terraform", v.Name, len(v.Value), maxEnv)
	case strings.ContainsRune(v.Value, 0):
		return fmt.Errorf("the value of parameter %q holds a zero byte", v.Name)
	}
	return nil
}

// nameHash is how coder/coder names the variable of a parameter.
func nameHash(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
