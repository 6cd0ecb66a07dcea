package apps

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"

	"coder.internal/api"
	"coder.internal/coderd/agents"
	"coder.internal/coderd/devurl"
	"coder.internal/coderd/rbac"
	"coder.internal/database"
)

// maxAgents bounds the agents of a workspace among which one is looked for.
const maxAgents = 1000

// errAbsent is the one answer to what is not there and to what somebody may not see.
var errAbsent = api.NotFound("Application")

// caller is who opens an application; nobody is a caller too.
type caller struct {
	rbac.Subject
	known bool
}

// who finds out whom a visitor is. What cannot be verified is nobody.
func (s *Service) who(ctx context.Context, v devurl.Visit, shown devurl.Visitor) (caller, error) {
	var subject rbac.Subject
	var err error
	switch {
	case shown.Token != "":
		subject, _, err = s.opts.Auth.Authenticate(ctx, shown.Token)
	case shown.Session != "":
		subject, err = s.session(ctx, shown.Session, v.Origin)
	default:
		return caller{}, nil
	}
	if api.CodeOf(err) == api.CodeUnauthenticated {
		return caller{}, nil
	}
	return caller{subject, err == nil}, err
}

// Place implements devurl.Apps.
func (s *Service) Place(ctx context.Context, v devurl.Visit, shown devurl.Visitor) (devurl.Place, error) {
	who, err := s.who(ctx, v, shown)
	if err != nil {
		return devurl.Place{}, err
	}
	return s.place(ctx, v, who)
}

// place is Place for a caller who is known, or nobody.
func (s *Service) place(ctx context.Context, v devurl.Visit, who caller) (devurl.Place, error) {
	no := error(errAbsent)
	if !who.known {
		no = rbac.ErrUnauthenticated
	}
	if v.Path && s.opts.DisablePathApps {
		return devurl.Place{}, no
	}
	if v.Old() {
		return s.moved(ctx, v.Target, who, no)
	}
	rows, err := s.db.FindAppPlaces(ctx, database.FindAppPlacesParams{StaleSeconds: agents.StaleAfter.Seconds(), Agent: v.Agent,
		Slug: v.Slug, Port: int32(v.Port), Owner: v.User, Workspace: v.Workspace, MaxRows: maxAgents})
	if err != nil {
		return devurl.Place{}, fmt.Errorf("find application: %w", err)
	}
	row, found := choose(rows, v.Target)
	if row.WorkspaceID.IsZero() {
		return devurl.Place{}, no
	}
	var app api.WorkspaceApp
	if err := json.Unmarshal(row.App, &app); err != nil {
		return devurl.Place{}, fmt.Errorf("decode application %s of workspace %s: %w", v.Slug, row.WorkspaceID, err)
	}
	p := devurl.Place{WorkspaceID: row.WorkspaceID, Workspace: row.WorkspaceName, Owner: row.OwnerName, CORS: row.CorsBehavior, Health: row.AppHealth}
	if !s.admit(&p, who, row, v, levelOf(row, app, v.Target)) {
		return devurl.Place{}, no
	}
	if who.known {
		p.UserID, p.Username = who.UserID, who.Username
	}
	locate(&p, row, found, app, v.Target)
	return p, nil
}

// choose finds the agent that is meant. found is false where there is none, or more
// than one could be; the row then has the workspace, if there is one.
func choose(rows []database.FindAppPlacesRow, t devurl.Target) (row database.FindAppPlacesRow, found bool) {
	if len(rows) == 0 {
		return row, false
	}
	rows = slices.Clone(rows)
	first := rows[0]
	rows = slices.DeleteFunc(rows, func(r database.FindAppPlacesRow) bool {
		return r.AgentID == nil || t.Slug != "" && r.AppID == nil
	})
	if len(rows) == 1 {
		return rows[0], true
	}
	// Nothing of one agent counts for another.
	first.ShareLevel, first.ShareProtocol, first.App, first.AppHealth = "", "", json.RawMessage(`{}`), ""
	if len(rows) > 1 {
		first.AgentID = nil
	}
	return first, false
}

// levelOf is who besides those who may use the workspace may open the target.
func levelOf(row database.FindAppPlacesRow, app api.WorkspaceApp, t devurl.Target) api.ShareLevel {
	if t.Slug != "" {
		return api.ShareLevel(app.SharingLevel)
	}
	protocol := api.PortHTTP
	if t.TLS {
		protocol = api.PortHTTPS
	}
	if row.ShareProtocol != protocol {
		return api.ShareLevelOwner
	}
	return api.ShareLevel(row.ShareLevel).AtMost(api.ShareLevel(row.MaxPortShareLevel))
}

// admit decides, and notes in p what else the caller may do.
func (s *Service) admit(p *devurl.Place, who caller, row database.FindAppPlacesRow, v devurl.Visit, level api.ShareLevel) bool {
	o := rbac.Object{Type: rbac.TypeWorkspace, ID: row.WorkspaceID, OrgID: row.OrganizationID, OwnerID: row.OwnerID, ACL: row.WorkspaceAcl}
	p.MayUse = who.known && rbac.Authorize(who.Subject, rbac.ApplicationConnect, o)
	p.MayStart = who.known && rbac.Authorize(who.Subject, rbac.Start, o)
	if v.Path && !s.opts.AllowPathSharing {
		// All of one origin: somebody else's application could act as its visitor.
		owner := who.UserID == row.OwnerID
		return p.MayUse && (owner || s.opts.AllowPathOwners && slices.Contains(who.SiteRoles, rbac.RoleOwner))
	}
	if p.MayUse {
		return true
	}
	switch level {
	case api.ShareLevelPublic:
		return true
	case api.ShareLevelAuthenticated:
		return who.known && rbac.Admits(who.Subject, rbac.ApplicationConnect, rbac.TypeWorkspace)
	case api.ShareLevelOrganization:
		_, member := who.OrgRoles[row.OrganizationID]
		return who.known && member && rbac.Admits(who.Subject, rbac.ApplicationConnect, rbac.TypeWorkspace)
	}
	return false
}

// locate says where the target is, or why it cannot be reached.
func locate(p *devurl.Place, row database.FindAppPlacesRow, found bool, app api.WorkspaceApp, t devurl.Target) {
	switch {
	case row.Status == string(api.WorkspaceStarting) || row.Status == string(api.WorkspacePending):
		p.State = devurl.StateStarting
	case row.Status != string(api.WorkspaceRunning) && row.AgentID == nil && !found:
		p.State = devurl.StateStopped
	case !found && t.Slug != "":
		p.State, p.Reason = devurl.StateOther, "The workspace has no application of this name, or several agents have it. Put the agent's name between them: app--agent--workspace--user."
	case !found:
		p.State, p.Reason = devurl.StateOther, "The workspace has no agent of this name, or several agents. Put the agent's name after the port: 8080--agent--workspace--user."
	case !row.AgentConnected:
		p.State = devurl.StateAway
	default:
		p.State = devurl.StateReady
	}
	if !found {
		return
	}
	p.AgentID = *row.AgentID
	if t.Slug == "" {
		p.Address, p.TLS = "127.0.0.1:"+strconv.Itoa(int(t.Port)), t.TLS
		return
	}
	if reason := address(p, app); reason != "" {
		p.State, p.Reason = devurl.StateOther, reason
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// Ports implements devurl.Apps.
func (s *Service) Ports(ctx context.Context, v devurl.Visit, shown devurl.Visitor) ([]int, error) {
	who, err := s.who(ctx, v, shown)
	if err != nil {
		return nil, err
	}
	p, err := s.place(ctx, v, who)
	if err != nil {
		return nil, err
	}
	out, err := s.opts.Agents.HandleListeningPorts(rbac.WithSubject(ctx, who.Subject), &agents.AgentInput{ID: p.AgentID})
	if err != nil {
		return nil, err
	}
	var ports []int
	for _, l := range out.Body.Ports {
		ports = append(ports, l.Port)
	}
	return ports, nil
}
