package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coder.internal/cmd/internal/cli"
)

// maxCredentialFile bounds the files that an editor hands over, in bytes.
const maxCredentialFile = 64 << 10

// VSCode is `coder vscodessh`, which the editor's extension names as the
// ProxyCommand of its hosts: `coder ssh --stdio` with the address and the token
// in files, and a host name of its own form.
func VSCode(env *cli.Env) *cobra.Command {
	o := options{wait: "auto", stdio: true}
	var tokenFile, urlFile string
	cmd := &cobra.Command{Use: "vscodessh <host>", Short: "Connect an editor", Hidden: true, Args: cli.Exactly("host")}
	fs := cmd.Flags()
	fs.StringVar(&tokenFile, "session-token-file", "", "file with the session token")
	fs.StringVar(&urlFile, "url-file", "", "file with the address of the deployment")
	fs.StringVarP(&o.logDir, "log-dir", "l", "", "directory in which each connection writes a debug log")
	o.networkFlags(cmd)
	cli.Enum(fs, &o.wait, "wait", "", "wait for the start scripts; auto does what the template says", "yes", "no", "auto")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		host, err := editorHost(args[0])
		if err != nil {
			return err
		}
		for _, f := range []struct {
			flag, name string
			to         *string
		}{{"session-token-file", tokenFile, &env.Global.Token}, {"url-file", urlFile, &env.Global.URL}} {
			if f.name == "" {
				return cli.Usage(f.flag, "Name the file with --"+f.flag+".")
			}
			if *f.to, err = credential(f.name); err != nil {
				return err
			}
		}
		return o.run(ctx, env, host, nil)
	})
	return cmd
}

// editorHost turns coder-vscode[.anything]--owner--workspace[.agent|--agent] into
// a workspace argument.
func editorHost(host string) (string, error) {
	parts := strings.Split(host, "--")
	if len(parts) < 3 || len(parts) > 4 || !strings.HasPrefix(parts[0], "coder-vscode") {
		return "", cli.Usage("host", fmt.Sprintf("%q is not of the form coder-vscode--owner--workspace--agent.", cli.Inert(host)))
	}
	w := parts[1] + "/" + parts[2]
	if len(parts) == 4 {
		w += "." + parts[3]
	}
	if _, err := cli.ParseWorkspace(w); err != nil {
		return "", err
	}
	return w, nil
}

func credential(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read credential of the editor: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxCredentialFile+1))
	if err == nil && len(b) > maxCredentialFile {
		err = errors.New("the file is larger than 64 KiB")
	}
	if err != nil {
		return "", fmt.Errorf("read credential of the editor: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// networkFlags are for editors that show the state of the connection.
func (o *options) networkFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&o.infoDir, "network-info-dir", "", "directory for a file on the state of the connection")
	fs.DurationVar(&o.infoEvery, "network-info-interval", 5*time.Second, "how often that file is written")
	_ = fs.MarkHidden("network-info-dir")
	_ = fs.MarkHidden("network-info-interval")
}
