package open

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"coder.internal/cmd/internal/cli"
)

// errInside is why nothing is opened in a workspace.
var errInside = errors.New("this is a workspace, which has no browser")

// cannot says why links cannot be opened here; nil where one may try.
func cannot(env *cli.Env) error {
	switch {
	case inside(env):
		return errInside
	case env.Global.NoOpen:
		return errors.New("--no-open is set")
	case runtime.GOOS != "linux" && runtime.GOOS != "freebsd":
		return nil
	}
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"} {
		if env.Getenv(name) != "" {
			return nil
		}
	}
	return errors.New("there is no desktop here, since neither DISPLAY nor WAYLAND_DISPLAY nor BROWSER is set")
}

// opener is the command that opens links on this platform, without the link.
func opener(env *cli.Env) []string {
	switch {
	case runtime.GOOS == "darwin":
		return []string{"open"}
	case runtime.GOOS == "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	case env.Getenv("WSL_DISTRO_NAME") != "":
		return []string{"rundll32.exe", "url.dll,FileProtocolHandler"}
	}
	return []string{"xdg-open"}
}

// maxSaid bounds what is repeated of an opener's words, in bytes.
const maxSaid = 500

// launch gives link to the opener and waits for it.
func launch(ctx context.Context, env *cli.Env, link string) error {
	argv := opener(env)
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], link)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed", argv[0])
	}
	if err == nil {
		return nil
	}
	text := strings.Join(strings.Fields(said.String()), " ")
	if len(text) > maxSaid {
		text = text[:maxSaid]
	}
	if text == "" {
		return fmt.Errorf("%s: %w", argv[0], err)
	}
	// It may repeat the link, and with it a session.
	return fmt.Errorf("%s: %w: %s", argv[0], err, strings.ReplaceAll(text, link, "the link"))
}
