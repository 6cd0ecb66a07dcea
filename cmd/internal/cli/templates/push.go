package templates

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/api"
	"coder.internal/api/client"
	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/params"
	"coder.internal/cmd/internal/cli/progress"
)

// errorMissingVariables is the error code of an import that lacks values.
const errorMissingVariables = "REQUIRED_TEMPLATE_VARIABLES"

type pushFlags struct {
	directory, file, message, version, org string
	variables, tags                        []string
	yes, activate, always, ignoreLock      bool
	private, requireActive                 bool
	defaultTTL                             time.Duration
	onlyNew                                bool
}

func (f *pushFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.file, "variables-file", "", "YAML file with values of Terraform variables")
	cli.List(fs, &f.variables, "variable", "", "name=value of a Terraform variable")
	cli.List(fs, &f.variables, "var", "", "same as --variable")
	cli.List(fs, &f.tags, "provisioner-tag", "", "name=value that a provisioner must have")
	fs.StringVarP(&f.directory, "directory", "d", ".", "directory with the template; - reads a tar from standard input")
	fs.BoolVar(&f.ignoreLock, "ignore-lockfile", false, "do not mention a missing .terraform.lock.hcl")
	fs.StringVarP(&f.message, "message", "m", "", "what has changed")
	cli.Yes(fs, &f.yes)
	cli.Org(fs, &f.org)
}

func push(env *cli.Env) *cobra.Command {
	f := pushFlags{}
	cmd := &cobra.Command{Use: "push [template]", Short: "Upload a template and import it", Args: cli.Optional("template")}
	f.register(cmd)
	cmd.Flags().StringVar(&f.version, "name", "", "name of the version (default: made up by the server)")
	cmd.Flags().BoolVar(&f.always, "always-prompt", false, "ask for all variables")
	cmd.Flags().BoolVar(&f.activate, "activate", true, "make the version the active one")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error { return f.run(ctx, env, args) })
	return cmd
}

func create(env *cli.Env) *cobra.Command {
	f := pushFlags{activate: true, onlyNew: true}
	cmd := &cobra.Command{Use: "create [name]", Short: "Upload a new template; push does the same", Args: cli.Optional("name")}
	f.register(cmd)
	cmd.Flags().DurationVar(&f.defaultTTL, "default-ttl", 0, "stop workspaces this long after their start")
	cmd.Flags().BoolVar(&f.requireActive, "require-active-version", false, "workspaces always start with the active version")
	cmd.Flags().BoolVar(&f.private, "private", false, "do not let the members of the organization use it")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error { return f.run(ctx, env, args) })
	return cmd
}

func (f *pushFlags) run(ctx context.Context, env *cli.Env, args []string) error {
	name, err := f.name(args)
	if err != nil {
		return err
	}
	values, err := f.values()
	if err != nil {
		return err
	}
	tags, err := params.Pairs("provisioner-tag", f.tags)
	if err != nil {
		return err
	}
	archive, err := f.archive(env)
	if err != nil {
		return err
	}
	c, err := env.Client(ctx)
	if err != nil {
		return err
	}
	org, err := env.OrgRef(f.org)
	if err != nil {
		return err
	}
	existing, err := c.TemplateByName(ctx, org, name)
	isNew := api.CodeOf(err) == api.CodeNotFound
	if err != nil && !isNew {
		return err
	}
	if f.onlyNew && !isNew {
		return api.Conflict("There is a template " + name + " already. Upload a new version with: coder templates push " + name)
	}
	question := "Upload a new version of " + name + "?"
	if isNew {
		question = "There is no template " + name + " yet. Create it?"
	}
	if err := env.Confirm(ctx, f.yes, question); err != nil {
		return err
	}
	up, err := c.Upload(ctx, api.ContentTypeTar, archive)
	if err != nil {
		return err
	}
	r := api.CreateTemplateVersionRequest{Name: f.version, Message: f.message, StorageMethod: "file", FileID: up.ID,
		Provisioner: "terraform", ProvisionerTags: tags, TemplateID: existing.ID, UserVariableValues: toValues(values)}
	v, err := f.importVersion(ctx, env, c, org, r, values)
	if err != nil {
		return err
	}
	return f.publish(ctx, env, c, org, name, existing, v, isNew)
}

// publish makes the version the active one of its template.
func (f *pushFlags) publish(ctx context.Context, env *cli.Env, c *client.Client, org, name string, t api.Template, v api.TemplateVersion, isNew bool) error {
	if isNew {
		r := api.CreateTemplateRequest{Name: name, VersionID: v.ID, RequireActiveVersion: f.requireActive,
			DisableEveryoneGroupAccess: f.private}
		if ms := f.defaultTTL.Milliseconds(); ms > 0 {
			r.DefaultTTLMillis = &ms
		}
		if _, err := c.CreateTemplate(ctx, org, r); err != nil {
			return err
		}
		_, err := fmt.Fprintf(env.Stdout, "Template %s was created with version %s. Make a workspace with: coder create --template %s\n",
			name, cli.Inert(v.Name), name)
		return err
	}
	if !f.activate {
		if err := announce(ctx, env, c, t, v); err != nil {
			return err
		}
		_, err := fmt.Fprintf(env.Stdout, "Version %s of %s was imported. Activate it with: coder templates versions promote --template %s --template-version %s\n",
			cli.Inert(v.Name), name, name, cli.Inert(v.Name))
		return err
	}
	if err := announce(ctx, env, c, t, v); err != nil {
		return err
	}
	if err := c.PromoteTemplateVersion(ctx, t.ID, v.ID); err != nil {
		return err
	}
	_, err := fmt.Fprintf(env.Stdout, "Version %s of %s is active.\n", cli.Inert(v.Name), name)
	return err
}

// importVersion imports what was uploaded, and once more with the values that
// the user was asked for if the first try lacked some.
func (f *pushFlags) importVersion(ctx context.Context, env *cli.Env, c *client.Client, org string,
	r api.CreateTemplateVersionRequest, values map[string]string) (api.TemplateVersion, error) {
	for try := 0; ; try++ {
		v, err := c.CreateTemplateVersion(ctx, org, r)
		if err != nil {
			return v, err
		}
		v, err = progress.Import(ctx, env, c, v, env.Stdout)
		if err == nil || v.Job.ErrorCode != errorMissingVariables || try > 0 {
			return v, err
		}
		declared, verr := c.TemplateVersionVariables(ctx, v.ID)
		if verr != nil || len(declared) == 0 {
			return v, err
		}
		if !env.Interactive() {
			return v, missing(declared, values, err)
		}
		for _, d := range declared {
			if _, ok := values[d.Name]; ok && !f.always || !d.Required && !f.always {
				continue
			}
			answer, err := env.Ask(ctx, cli.Question{Text: "Value of variable " + cli.Inert(d.Name) + " (" + cli.Inert(d.Description) + ")",
				Flag: "variable", Default: d.DefaultValue, Secret: d.Sensitive})
			if err != nil {
				return v, err
			}
			values[d.Name] = answer
		}
		r.UserVariableValues = toValues(values)
	}
}

func missing(declared []api.TemplateVersionVariable, values map[string]string, cause error) error {
	var names []string
	for _, d := range declared {
		if _, ok := values[d.Name]; !ok && d.Required {
			names = append(names, cli.Inert(d.Name))
		}
	}
	if len(names) == 0 {
		return cause
	}
	return cli.Usage("variable", "The template needs values for "+strings.Join(names, ", ")+"; give --variable "+names[0]+"=<value>.")
}

func toValues(m map[string]string) []api.VariableValue {
	var out []api.VariableValue
	for k, v := range m {
		out = append(out, api.VariableValue{Name: k, Value: v})
	}
	return out
}

var (
	templateName = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?$`)
	notInName    = regexp.MustCompile(`[^a-z0-9]+`)
)

// name is the argument, or made of the directory's name.
func (f *pushFlags) name(args []string) (string, error) {
	if len(args) > 0 {
		if !templateName.MatchString(args[0]) {
			return "", cli.Usage("template", fmt.Sprintf("%q cannot name a template: 1 to 32 letters, digits and hyphens, no hyphen at the ends.", cli.Inert(args[0])))
		}
		return args[0], nil
	}
	if f.directory == "-" {
		return "", cli.Usage("template", "Give the template's name when the upload comes from standard input.")
	}
	dir, err := filepath.Abs(f.directory)
	if err != nil {
		return "", fmt.Errorf("find directory: %w", err)
	}
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(filepath.Base(dir)), "-"), "-")
	if !templateName.MatchString(name) {
		return "", cli.Usage("template", "The directory's name cannot name a template; give a name: coder templates push <name>")
	}
	return name, nil
}

// values collects variable values, weakest first: tfvars files of the
// directory, --variables-file, --variable.
func (f *pushFlags) values() (map[string]string, error) {
	values := map[string]string{}
	if f.directory != "-" {
		found, err := tfvars(f.directory)
		if err != nil {
			return nil, err
		}
		values = found
	}
	if f.file != "" {
		b, err := readSmall(f.file)
		if err != nil {
			return nil, err
		}
		m, err := params.ParseYAML("variables-file", b)
		if err != nil {
			return nil, err
		}
		for k, v := range m {
			values[k] = v
		}
	}
	m, err := params.Pairs("variable", f.variables)
	for k, v := range m {
		values[k] = v
	}
	return values, err
}

func (f *pushFlags) archive(env *cli.Env) ([]byte, error) {
	if f.directory == "-" {
		b, err := io.ReadAll(io.LimitReader(env.Stdin, maxArchive+1))
		if err == nil && len(b) > maxArchive {
			err = errTooLarge("standard input")
		}
		return b, err
	}
	b, err := Tar(f.directory)
	if err != nil {
		return nil, err
	}
	_, err = os.Stat(filepath.Join(f.directory, ".terraform.lock.hcl"))
	if errors.Is(err, os.ErrNotExist) && !f.ignoreLock {
		fmt.Fprintln(env.Stderr, "Note: there is no .terraform.lock.hcl, so each import picks the newest providers that fit.")
	}
	return b, nil
}
