package coderd

import (
	"maps"
	"net/http"

	"coder.internal/api"
	"coder.internal/api/jobrpc"
	"coder.internal/api/tailrpc"
	"coder.internal/api/termrpc"
	"coder.internal/coderd/httpapi"
)

// Content types of raw answers.
const (
	anyBytes  = "application/octet-stream"
	plainText = "text/plain"
	htmlText  = "text/html"
	jsonText  = "application/json"
	events    = "text/event-stream"
)

// rawRoutes describes the routes that are no typed endpoints, by method and path.
// A test fails on one that is missing here.
func rawRoutes() map[string]httpapi.Raw {
	out := map[string]httpapi.Raw{
		"GET /healthz": {Doc: "Says that the process serves requests, nothing more.",
			Answers: []httpapi.Answer{{Type: plainText, Doc: "The text OK."}}},
		"GET /readyz": {Doc: "Says whether a balancer should send requests to this replica: not while it starts or stops, or its database does not answer for five seconds.",
			Answers: []httpapi.Answer{{Of: api.Readiness{}, Doc: "It takes requests."}, {Status: http.StatusServiceUnavailable, Of: api.Readiness{}, Doc: "It does not, for this cause."}}},
		"POST /api/v2/files": {Doc: "Stores an archive of at most 10 MiB. The same bytes of one person are stored once.",
			Body: []string{api.ContentTypeTar, api.ContentTypeZip},
			Answers: []httpapi.Answer{{Status: http.StatusCreated, Of: api.UploadResponse{}, Doc: "Stored now."},
				{Of: api.UploadResponse{}, Doc: "Stored before."}}},
		"GET /api/v2/audit/export": {Doc: "Audit entries as JSON lines, the newest first. The trailer Coder-Export-Complete says that it is whole.",
			Query:   []httpapi.Param{{Name: "q", Doc: "Search text, as of the list."}},
			Answers: []httpapi.Answer{{Type: "application/x-ndjson"}}},
		"GET /api/v2/files/{fileID}": {Doc: "Answers the archive as it was sent.",
			Answers: []httpapi.Answer{{Type: api.ContentTypeTar}, {Type: api.ContentTypeZip}}},
	}
	for _, part := range []map[string]httpapi.Raw{streamRoutes(), logRoutes(), stateRawRoutes(), pageRoutes(), appRawRoutes()} {
		maps.Copy(out, part)
	}
	return out
}

// streamRoutes are websockets and event streams.
func streamRoutes() map[string]httpapi.Raw {
	watch := httpapi.Raw{Doc: "Server-sent events of the types ping, data and error. A data event has the whole state; it is sent at once and after each change. The stream ends within 60 s after the right to it.",
		Answers: []httpapi.Answer{{Type: events}}}
	watchWS := httpapi.Raw{Doc: "The events of the stream beside it, one JSON message each.", Socket: &httpapi.Socket{Server: api.WatchEvent{}}}
	client := []httpapi.Param{{Name: tailrpc.ClientIDParam, Of: api.ID{}, Doc: "The id that the client made for itself and keeps when it connects again."}}
	nodes := &httpapi.Socket{Client: tailrpc.ClientMessage{}, Server: tailrpc.ServerMessage{}}
	return map[string]httpapi.Raw{
		"GET /api/v2/workspaces/watch-ws": {
			Doc: "Messages of the types ping, data and error. The first data message has the ids of the list, for which to ask after it, later ones what has changed. The stream ends within 60 s after the right to it.",
			Query: []httpapi.Param{{Name: "q", Doc: "Search text, as of the list."},
				{Name: "limit", Of: int64(0), Doc: "Most rows to follow, at most 1000; 0 means the default."}},
			Socket: &httpapi.Socket{Server: api.WorkspacesEvent{}}},
		"GET /api/v2/workspaces/{workspace}/watch":                       watch,
		"GET /api/v2/workspaces/{workspace}/watch-ws":                    watchWS,
		"GET /api/v2/workspaceagents/{workspaceagent}/watch-metadata":    watch,
		"GET /api/v2/workspaceagents/{workspaceagent}/watch-metadata-ws": watchWS,
		"GET /api/v2/workspaceagents/{workspaceagent}/containers/watch": {
			Doc:    "The containers beside an agent, the whole list at once and after each change.",
			Socket: &httpapi.Socket{Server: api.AgentContainers{}}},
		"GET /api/v2/workspaceagents/me/coordinate":               {Doc: "Tells the agent and those who reach it about each other.", Socket: nodes},
		"GET /api/v2/workspaceagents/{workspaceagent}/coordinate": {Doc: "Tells the client and the agent about each other.", Query: client, Socket: nodes},
		"GET /api/v2/workspaceagents/me/streams": {Doc: "Upgrades to coder-streams: a connection on which the server opens streams to the agent. Packages api/agentrpc and internal/mux describe it.",
			Answers: []httpapi.Answer{{Status: http.StatusSwitchingProtocols, Type: anyBytes}}},
		"GET /api/v2/organizations/{organization}/provisionerdaemons/serve": daemonSocket(),
		"GET /api/v2/workspaceagents/{workspaceagent}/pty":                  terminalSocket(),
		"GET /api/v2/templateversions/{templateversion}/dynamic-parameters": {
			Doc:    "Evaluates the parameters of a version for the answers so far. The first message comes from the server and has the defaults.",
			Query:  []httpapi.Param{{Name: "user_id", Doc: "Whose workspace it would be: an id, or me (the default)."}},
			Socket: &httpapi.Socket{Client: api.DynamicParametersRequest{}, Server: api.DynamicParametersResponse{}}},
	}
}

func daemonSocket() httpapi.Raw {
	return httpapi.Raw{Doc: "Calls of provisioner daemons, in frames whose text is JSON; package api/jobrpc describes them.",
		Query: []httpapi.Param{
			{Name: jobrpc.ParamDaemonID, Of: api.ID{}, Required: true, Doc: "Id of the daemon, which it keeps."},
			{Name: jobrpc.ParamAPIVersion, Required: true, Doc: "Version of the protocol."},
			{Name: jobrpc.ParamDaemonName, Doc: "Name of the daemon."},
			{Name: jobrpc.ParamVersion, Doc: "Version of the daemon."},
			{Name: jobrpc.ParamTag, Of: []string{}, Doc: "KEY=VALUE, any number."}},
		Socket: &httpapi.Socket{Client: jobrpc.Frame{}, Server: jobrpc.Frame{}}}
}

func terminalSocket() httpapi.Raw {
	return httpapi.Raw{Doc: "What is typed goes to the agent as JSON messages, and what the terminal shows comes back as binary ones.",
		Query: []httpapi.Param{
			{Name: "reconnect", Of: api.ID{}, Required: true, Doc: "A UUID that the client made for this terminal; the same one comes back to it."},
			{Name: "width", Of: uint16(0), Doc: "Columns."}, {Name: "height", Of: uint16(0), Doc: "Rows."},
			{Name: "command", Doc: "What to run in a new terminal; the login shell by default."},
			{Name: "app", Doc: "Slug of an app of the agent whose command to run instead."},
			{Name: "container", Doc: "Container in which to run it."}, {Name: "container_user", Doc: "User in that container."}},
		Socket: &httpapi.Socket{Client: termrpc.Input{}}}
}

// logRoutes answer lines, or follow them over a websocket.
func logRoutes() map[string]httpapi.Raw {
	query := func(of any) []httpapi.Param {
		return []httpapi.Param{
			{Name: "after", Of: of, Doc: "Only lines with a greater id."},
			{Name: "before", Of: of, Doc: "Only lines with a smaller id; not with follow."},
			{Name: "follow", Of: false, Doc: "Answer with a websocket that goes on until the last line."},
			{Name: "format", Enum: []string{"json", "text"}, Doc: "text is for people; not with follow."}}
	}
	job := httpapi.Raw{Query: query(int64(0)), Socket: &httpapi.Socket{Server: api.ProvisionerJobLog{}},
		Answers: []httpapi.Answer{{Of: []api.ProvisionerJobLog{}}, {Type: plainText}}}
	agent := httpapi.Raw{Query: query(int64(0)), Socket: &httpapi.Socket{Server: []api.AgentLog{}},
		Answers: []httpapi.Answer{{Of: []api.AgentLog{}}, {Type: plainText}}}
	return map[string]httpapi.Raw{
		"GET /api/v2/templateversions/{templateversion}/logs":                 job,
		"GET /api/v2/templateversions/{templateversion}/dry-run/{jobID}/logs": job,
		"GET /api/v2/workspacebuilds/{workspacebuild}/logs":                   job,
		"GET /api/v2/workspaces/{workspace}/plan/{job}/logs":                  job,
		"GET /api/v2/workspaceagents/{workspaceagent}/logs":                   agent,
		"GET /api/v2/workspaceagents/{workspaceagent}/startup-logs":           agent,
	}
}

// stateRawRoutes answer Terraform states.
func stateRawRoutes() map[string]httpapi.Raw {
	state := httpapi.Raw{Doc: "The state as Terraform wrote it. It may hold secrets.", Answers: []httpapi.Answer{{Type: jsonText}}}
	return map[string]httpapi.Raw{
		"GET /api/v2/workspacebuilds/{workspacebuild}/state":                state,
		"GET /api/v2/workspacebuilds/{workspacebuild}/strays/{stray}/state": state,
	}
}

// pageRoutes answer pages, their files and binaries.
func pageRoutes() map[string]httpapi.Raw {
	page := []httpapi.Answer{{Type: htmlText}}
	back := httpapi.Raw{Doc: "Where a provider sends the browser back to.", Query: []httpapi.Param{{Name: "code"}, {Name: "state"}, {Name: "error"},
		{Name: "error_description"}, {Name: "redirect"}}, Answers: []httpapi.Answer{{Status: http.StatusSeeOther, Doc: "To the page of the provider, or where the sign-in began."}, {Type: htmlText}}}
	binary := []httpapi.Answer{{Type: anyBytes}}
	return map[string]httpapi.Raw{
		"GET /external-auth/{externalauth}":          {Query: []httpapi.Param{{Name: "redirect", Doc: "A path to go on to."}}, Answers: page},
		"GET /external-auth/{externalauth}/callback": back,
		"GET /gitauth/{externalauth}/callback":       back,
		"POST /external-auth/{externalauth}/start": {Doc: "The page of the provider asks this.", Query: []httpapi.Param{{Name: "redirect"}},
			Answers: []httpapi.Answer{{Of: map[string]string{}, Doc: "The url to go to."}}},
		"GET /bin/{name}":          {Doc: "The small binary of a platform, as coder-<os>-<arch>.", Answers: binary},
		"HEAD /bin/{name}":         {Doc: "The headers alone.", Answers: []httpapi.Answer{{}}},
		"GET /api/v2/openapi.json": {Doc: "This document.", Answers: []httpapi.Answer{{Of: map[string]any{}}}},
		"GET /api/v2/docs":         {Doc: "This document for people.", Answers: page},
		"GET /api/v2/docs/{file}":  {Answers: []httpapi.Answer{{Type: "text/css"}, {Type: "text/javascript"}}},
		"GET /swagger/{file}":      {Doc: "doc.json is the document and index.html the page. It is there with --swagger-enable.", Answers: []httpapi.Answer{{Of: map[string]any{}}, {Type: htmlText}}},
	}
}
