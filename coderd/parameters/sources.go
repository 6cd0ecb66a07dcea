package parameters

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"coder.internal/api"
)

// The data sources of the coder provider that are worked out here.
const (
	typeParameter    = "coder_parameter"
	typePreset       = "coder_workspace_preset"
	typeTags         = "coder_workspace_tags"
	typeExternalAuth = "coder_external_auth"
	typeWorkspace    = "coder_workspace"
	typeOwner        = "coder_workspace_owner"
	typeProvisioner  = "coder_provisioner"
	typeTask         = "coder_task"
)

// SummaryTagsOpen is the summary of the warning that comes with Result.TagsOpen.
const SummaryTagsOpen = "The workspace tags are not known."

// source is one instance of a data block.
func (s *scope) source(b *block, each map[string]cty.Value) cty.Value {
	switch b.typ {
	case typeParameter:
		return s.parameter(b, each)
	case typePreset:
		return s.preset(b, each)
	case typeTags:
		return s.tags(b, each)
	case typeExternalAuth:
		id, _ := s.text(b, "id", each)
		return cty.ObjectVal(map[string]cty.Value{"id": id, "optional": cty.UnknownVal(cty.Bool), "access_token": cty.UnknownVal(cty.String)})
	case typeWorkspace:
		return s.run.workspace()
	case typeOwner:
		return s.run.owner()
	case typeProvisioner:
		return cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "os": known(s.run.in.OS), "arch": known(s.run.in.Arch)})
	case typeTask:
		return cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "enabled": cty.False, "prompt": cty.StringVal("")})
	}
	return cty.DynamicVal
}

// known is a text, unknown if empty.
func known(s string) cty.Value {
	if s == "" {
		return cty.UnknownVal(cty.String)
	}
	return cty.StringVal(s)
}

func (r *run) workspace() cty.Value {
	w := r.in.Workspace
	transition := r.in.Transition
	if transition == "" {
		transition = api.TransitionStart
	}
	count := int64(0)
	if transition == api.TransitionStart {
		count = 1
	}
	return cty.ObjectVal(map[string]cty.Value{
		"id": known(w.ID), "name": known(w.Name), "template_id": known(w.TemplateID), "template_name": known(w.TemplateName),
		"template_version": known(w.TemplateVersion), "access_url": known(w.AccessURL),
		"access_port": cty.UnknownVal(cty.Number), "transition": cty.StringVal(string(transition)),
		"start_count": cty.NumberIntVal(count), "prebuild_count": cty.NumberIntVal(0),
		"is_prebuild": cty.False, "is_prebuild_claim": cty.False,
	})
}

func (r *run) owner() cty.Value {
	o := r.in.Owner
	id := cty.UnknownVal(cty.String)
	if !o.ID.IsZero() {
		id = cty.StringVal(o.ID.String())
	}
	groups := cty.ListValEmpty(cty.String)
	if len(o.Groups) > 0 {
		list := make([]cty.Value, len(o.Groups))
		for i, g := range o.Groups {
			list[i] = cty.StringVal(g)
		}
		groups = cty.ListVal(list)
	}
	role := cty.Object(map[string]cty.Type{"name": cty.String, "org_id": cty.String})
	roles := cty.ListValEmpty(role)
	if len(o.Roles) > 0 {
		list := make([]cty.Value, len(o.Roles))
		for i, x := range o.Roles {
			list[i] = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(x.Name), "org_id": cty.StringVal(x.OrganizationID)})
		}
		roles = cty.ListVal(list)
	}
	secret := cty.UnknownVal(cty.String)
	return cty.ObjectVal(map[string]cty.Value{
		"id": id, "name": known(o.Name), "full_name": cty.StringVal(o.FullName), "email": cty.StringVal(o.Email),
		"groups": groups, "rbac_roles": roles, "login_type": known(o.LoginType), "ssh_public_key": known(o.SSHPublicKey),
		"ssh_private_key": secret, "session_token": secret, "oidc_access_token": secret,
	})
}

// attr evaluates an attribute and converts it; absent is null.
func (s *scope) attr(attrs map[string]*expression, name string, typ cty.Type, each map[string]cty.Value) (cty.Value, error) {
	e := attrs[name]
	if e == nil {
		return cty.NullVal(typ), nil
	}
	v, err := s.eval(e, each)
	if err != nil {
		return cty.UnknownVal(typ), fmt.Errorf("%s: %w", name, err)
	}
	out, err := convert.Convert(v, typ)
	if err != nil {
		return cty.UnknownVal(typ), fmt.Errorf("%s must be %s", name, typ.FriendlyName())
	}
	s.run.budget.charge(out)
	return out, nil
}

func (s *scope) text(b *block, name string, each map[string]cty.Value) (cty.Value, error) {
	return s.attr(b.attrs, name, cty.String, each)
}

// plain returns a known text, else "".
func plain(v cty.Value) string {
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

func truth(v cty.Value) bool { return !v.IsNull() && v.IsKnown() && v.True() }

// textMap evaluates an attribute that maps names to texts. Elements that are not
// known are left out; ok is false if some were.
func (s *scope) textMap(b *block, name string, each map[string]cty.Value) (out map[string]string, ok bool, err error) {
	out = map[string]string{}
	e := b.attrs[name]
	if e == nil {
		return out, true, nil
	}
	v, err := s.eval(e, each)
	switch {
	case err != nil:
		return out, false, fmt.Errorf("%s: %w", name, err)
	case !v.IsKnown():
		return out, false, nil
	case v.IsNull():
		return out, true, nil
	case !v.Type().IsObjectType() && !v.Type().IsMapType():
		return out, false, fmt.Errorf("%s must be a map of texts", name)
	}
	ok = true
	for it := v.ElementIterator(); it.Next(); {
		k, item := it.Element()
		item, err := convert.Convert(item, cty.String)
		if err != nil || item.IsNull() {
			return out, false, fmt.Errorf("%s: the value of %q must be a text", name, clip(k.AsString()))
		}
		if !item.IsKnown() {
			ok = false
			continue
		}
		out[k.AsString()] = item.AsString()
	}
	return out, ok, nil
}

func (s *scope) preset(b *block, each map[string]cty.Value) cty.Value {
	p := api.Preset{Parameters: []api.PresetParameter{}}
	name, err := s.text(b, "name", each)
	if err == nil {
		var values map[string]string
		if values, _, err = s.textMap(b, "parameters", each); err == nil {
			for _, n := range sortedKeys(values) {
				p.Parameters = append(p.Parameters, api.PresetParameter{Name: n, Value: values[n]})
			}
		}
	}
	if err != nil {
		s.run.say(api.DiagnosticError, "A preset cannot be evaluated.", s.place(b, err))
		return cty.DynamicVal
	}
	if p.Name = plain(name); p.Name == "" {
		s.run.say(api.DiagnosticWarning, "The name of a preset is not known.", s.place(b, fmt.Errorf("it depends on what is only known during a build")))
		return cty.DynamicVal
	}
	description, _ := s.text(b, "description", each)
	icon, _ := s.text(b, "icon", each)
	def, _ := s.attr(b.attrs, "default", cty.Bool, each)
	p.Description, p.Icon, p.Default = plain(description), plain(icon), truth(def)
	s.run.out.Presets = append(s.run.out.Presets, p)
	values := cty.MapValEmpty(cty.String)
	if len(p.Parameters) > 0 {
		m := map[string]cty.Value{}
		for _, v := range p.Parameters {
			m[v.Name] = cty.StringVal(v.Value)
		}
		values = cty.MapVal(m)
	}
	return cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "name": name, "description": description,
		"icon": icon, "default": def, "parameters": values})
}

func (s *scope) tags(b *block, each map[string]cty.Value) cty.Value {
	tags, ok, err := s.textMap(b, "tags", each)
	if err != nil {
		s.run.say(api.DiagnosticError, "The workspace tags cannot be evaluated.", s.place(b, err))
		return cty.DynamicVal
	}
	if !ok {
		s.run.out.TagsOpen = true
		s.run.say(api.DiagnosticWarning, SummaryTagsOpen,
			s.place(b, fmt.Errorf("a tag depends on what is only known during a build; use constants, variables and parameters")))
	}
	for k, v := range tags {
		s.run.out.WorkspaceTags[k] = v
	}
	return cty.DynamicVal
}

// place names the block of an error.
func (s *scope) place(b *block, err error) string {
	return sentence(fmt.Errorf("data.%s.%s (%s:%d): %w", b.typ, b.name, b.at.Filename, b.at.Start.Line, err))
}

// clip keeps foreign text short in messages.
func clip(s string) string {
	if len(s) > 64 {
		return strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}
