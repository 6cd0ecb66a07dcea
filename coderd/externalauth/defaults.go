package externalauth

import (
	"net/url"
	"regexp"
	"strings"
)

// Types with endpoints or ways of their own.
const (
	typeGitHub          = "github"
	typeGitLab          = "gitlab"
	typeGitea           = "gitea"
	typeBitbucketCloud  = "bitbucket-cloud"
	typeBitbucketServer = "bitbucket-server"
	typeAzureDevOps     = "azure-devops"
	typeAzureEntra      = "azure-devops-entra"
	typeSlack           = "slack"
	typeJFrog           = "jfrog"
)

// known returns the endpoints of a type. Those that begin with a slash are below
// the host of the AUTH_URL, which has to be configured where there is no own one.
func known(typ string) Config {
	switch typ {
	case typeGitHub:
		return Config{DisplayName: "GitHub", DisplayIcon: "/icon/github.svg", Regex: `(https?://)?github\.com(/.*)?`,
			AuthURL: "https://github.com/login/oauth/authorize", TokenURL: "/login/oauth/access_token", DeviceCodeURL: "/login/device/code",
			Scopes: []string{"repo", "workflow"}}
	case typeGitLab:
		return Config{DisplayName: "GitLab", DisplayIcon: "/icon/gitlab.svg", Regex: `(https?://)?gitlab\.com(/.*)?`,
			AuthURL: "https://gitlab.com/oauth/authorize", TokenURL: "/oauth/token", ValidateURL: "/oauth/token/info",
			RevokeURL: "/oauth/revoke", DeviceCodeURL: "/oauth/authorize_device", Scopes: []string{"write_repository"}}
	case typeGitea:
		return Config{DisplayName: "Gitea", DisplayIcon: "/icon/gitea.svg", Regex: `(https?://)?gitea\.com(/.*)?`,
			AuthURL: "https://gitea.com/login/oauth/authorize", TokenURL: "/login/oauth/access_token", ValidateURL: "/login/oauth/userinfo",
			Scopes: []string{"read:repository", "write:repository", "read:user"}}
	case typeBitbucketCloud:
		return Config{DisplayName: "Bitbucket", DisplayIcon: "/icon/bitbucket.svg", Regex: `(https?://)?bitbucket\.org(/.*)?`,
			AuthURL: "https://bitbucket.org/site/oauth2/authorize", TokenURL: "/site/oauth2/access_token",
			ValidateURL: "https://api.bitbucket.org/2.0/user", Scopes: []string{"account", "repository:write"}}
	case typeBitbucketServer:
		return Config{DisplayName: "Bitbucket Server", DisplayIcon: "/icon/bitbucket.svg", TokenURL: "/rest/oauth2/latest/token",
			ValidateURL: "/rest/api/latest/inbox/pull-requests/count", Scopes: []string{"PUBLIC_REPOS", "REPO_READ", "REPO_WRITE"}}
	case typeAzureDevOps:
		return Config{DisplayName: "Azure DevOps", DisplayIcon: "/icon/azure-devops.svg", Regex: `(https?://)?dev\.azure\.com(/.*)?`,
			AuthURL: "https://app.vssps.visualstudio.com/oauth2/authorize", TokenURL: "/oauth2/token", Scopes: []string{"vso.code_write"}}
	case typeAzureEntra:
		return Config{DisplayName: "Azure DevOps (Entra)", DisplayIcon: "/icon/azure-devops.svg", Regex: `(https?://)?dev\.azure\.com(/.*)?`}
	case typeSlack:
		return Config{DisplayName: "Slack", DisplayIcon: "/icon/slack.svg", AuthURL: "https://slack.com/oauth/v2/authorize",
			TokenURL: "/api/oauth.v2.access", RevokeURL: "/api/auth.revoke"}
	case typeJFrog:
		return Config{DisplayName: "JFrog Artifactory", DisplayIcon: "/icon/jfrog.svg"}
	}
	return Config{}
}

// withDefaults fills in what the type knows. Where AUTH_URL names another host, as
// for a server of one's own, endpoints and pattern follow it.
func withDefaults(c Config) Config {
	d := known(c.Type)
	own := d.AuthURL == "" || c.AuthURL != "" && host(c.AuthURL) != host(d.AuthURL)
	set(&c.AuthURL, d.AuthURL)
	at := origin(c.AuthURL)
	for _, f := range []struct{ to, from *string }{{&c.TokenURL, &d.TokenURL}, {&c.ValidateURL, &d.ValidateURL},
		{&c.RevokeURL, &d.RevokeURL}, {&c.DeviceCodeURL, &d.DeviceCodeURL}} {
		switch {
		case strings.HasPrefix(*f.from, "/") && at != "":
			set(f.to, at+*f.from)
		case !own && !strings.HasPrefix(*f.from, "/"):
			set(f.to, *f.from)
		}
	}
	switch c.Type {
	case typeGitHub:
		if own {
			set(&c.APIBaseURL, at+"/api/v3")
		} else {
			set(&c.APIBaseURL, "https://api.github.com")
		}
		base := strings.TrimRight(c.APIBaseURL, "/")
		set(&c.ValidateURL, base+"/user")
		set(&c.RevokeURL, base+"/applications/"+url.PathEscape(c.ClientID)+"/token")
		if c.AppInstallURL != "" {
			set(&c.AppInstallationsURL, base+"/user/installations")
		}
	case typeAzureEntra:
		if strings.HasSuffix(c.AuthURL, "/authorize") {
			set(&c.TokenURL, strings.TrimSuffix(c.AuthURL, "/authorize")+"/token")
		}
	}
	if own && d.Scopes != nil && at != "" {
		set(&c.Regex, `(https?://)?`+regexp.QuoteMeta(host(c.AuthURL))+`(/.*)?`)
	} else if !own {
		set(&c.Regex, d.Regex)
	}
	if c.Type == typeAzureEntra {
		set(&c.Regex, d.Regex)
	}
	if len(c.Scopes) == 0 {
		c.Scopes = d.Scopes
	}
	set(&c.DisplayName, d.DisplayName)
	set(&c.DisplayName, c.ID)
	set(&c.DisplayIcon, d.DisplayIcon)
	return c
}

func set(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

func host(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// gitName is the user name that Git servers of a type take with a token as the
// password. Most do not look at it.
func gitName(typ string) string {
	switch typ {
	case typeGitHub:
		return "x-access-token"
	case typeBitbucketCloud, typeBitbucketServer:
		return "x-token-auth"
	}
	return "oauth2"
}
