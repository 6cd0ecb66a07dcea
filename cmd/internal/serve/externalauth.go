package serve

import (
	"fmt"
	"strconv"
	"strings"

	"coder.internal/api"
	"coder.internal/cmd/internal/option"
	"coder.internal/coderd/externalauth"
)

// externalAuth reads providers of external authentication from records.
type externalAuth struct{ to *[]externalauth.Config }

// Type implements option.Value.
func (externalAuth) Type() string { return "list" }

// String implements option.Value. It shows nothing: there are secrets inside.
func (externalAuth) String() string { return "" }

// Set implements option.Value.
func (e externalAuth) Set(text string) error { return option.RecordsText(e, text) }

// Prefixes implements option.Records.
func (externalAuth) Prefixes() []string { return []string{"CODER_EXTERNAL_AUTH", "CODER_GITAUTH"} }

// unusedKeys are read so that existing files work, and have no effect.
var unusedKeys = []string{"mcp_url", "mcp_tool_allow_regex", "mcp_tool_deny_regex"}

// Keys implements option.Records.
func (externalAuth) Keys() []string {
	return append([]string{"id", "type", "client_id", "client_secret", "auth_url", "token_url", "validate_url", "revoke_url", "device_flow",
		"device_code_url", "scopes", "no_refresh", "regex", "api_base_url", "app_install_url", "app_installations_url", "display_name",
		"display_icon", "extra_token_keys", "pkce_methods", "code_challenge_methods_supported"}, unusedKeys...)
}

// SetRecords implements option.Records.
func (e externalAuth) SetRecords(list []option.Record) error {
	out := make([]externalauth.Config, len(list))
	for i, r := range list {
		f := r.Fields
		c := externalauth.Config{ID: f["id"], Type: f["type"], ClientID: f["client_id"], ClientSecret: api.Secret(f["client_secret"]),
			AuthURL: f["auth_url"], TokenURL: f["token_url"], ValidateURL: f["validate_url"], RevokeURL: f["revoke_url"],
			DeviceCodeURL: f["device_code_url"], Scopes: words(f["scopes"]), Regex: f["regex"], APIBaseURL: f["api_base_url"],
			AppInstallURL: f["app_install_url"], AppInstallationsURL: f["app_installations_url"], DisplayName: f["display_name"],
			DisplayIcon: f["display_icon"], ExtraTokenKeys: words(f["extra_token_keys"]),
			PKCEMethods: words(f["pkce_methods"] + " " + f["code_challenge_methods_supported"])}
		for key, to := range map[string]*bool{"device_flow": &c.DeviceFlow, "no_refresh": &c.NoRefresh} {
			if f[key] == "" {
				continue
			}
			v, err := strconv.ParseBool(f[key])
			if err != nil {
				return fmt.Errorf("%s: %s %q is not true or false", r.Source, strings.ToUpper(key), f[key])
			}
			*to = v
		}
		out[i] = c
		if err := externalauth.Check(out[i : i+1]); err != nil {
			return fmt.Errorf("%s: %s", r.Source, strings.TrimPrefix(err.Error(), "provider 0: "))
		}
	}
	if err := externalauth.Check(out); err != nil {
		return err
	}
	*e.to = out
	return nil
}

// words splits a list at spaces and commas.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func externalAuthOptions(c *Config) option.Set {
	const g = "External authentication"
	return option.Set{
		{Flag: "external-auth-providers", YAML: "externalAuthProviders", Group: g, Secret: true, Value: externalAuth{&c.ExternalAuth},
			Doc: "Services that users can sign in to, such as Git servers: a list of sections, or the variables CODER_EXTERNAL_AUTH_<N>_<KEY> with N from 0. See docs/operate/external-auth.md for the keys."},
		{Flag: "external-auth-github-default-provider-enable", Env: "CODER_EXTERNAL_AUTH_GITHUB_DEFAULT_PROVIDER_ENABLE",
			YAML: "externalAuthGithubDefaultProviderEnable", Group: g, Default: "false", Hidden: true, Value: option.Bool(&c.ExternalAuthGitHubDefault),
			Doc: "Read so that existing files work. There is no application of ours at GitHub; configure your own."},
	}
}
