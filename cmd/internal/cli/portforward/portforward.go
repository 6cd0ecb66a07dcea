// Package portforward is `coder port-forward`: ports of this computer that lead
// to ports of a workspace. Streams and datagrams go through the agent's SSH
// server, so the agent decides what may be reached.
package portforward

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"coder.internal/cmd/internal/cli"
	"coder.internal/cmd/internal/cli/tunnel"
)

// Forward is one local port and where it leads.
type Forward struct {
	Network               string // tcp or udp
	LocalHost             string
	LocalPort, RemotePort uint16
}

// maxForwards bounds the ports of one command.
const maxForwards = 1024

// Command is `coder port-forward`.
func Command(env *cli.Env) *cobra.Command {
	var tcp, udp []string
	var disableAutostart bool
	cmd := &cobra.Command{Use: "port-forward <workspace>", Aliases: []string{"tunnel"}, Short: "Reach ports of a workspace on this computer",
		Args: cli.Exactly("workspace"),
		Example: "  coder port-forward ws --tcp 8080           the same port here\n" +
			"  coder port-forward ws --tcp 5000:8080      port 5000 here\n" +
			"  coder port-forward ws --tcp 3000,9990-9999 several\n" +
			"  coder port-forward ws --tcp [::1]:8080:80  on an address of this computer\n" +
			"  coder port-forward ws --udp 5353           datagrams"}
	fs := cmd.Flags()
	cli.List(fs, &tcp, "tcp", "p", "[host:]local[:remote], also with ranges")
	cli.Bind(fs, "tcp", "CODER_PORT_FORWARD_TCP")
	cli.List(fs, &udp, "udp", "", "the same for UDP")
	cli.Bind(fs, "udp", "CODER_PORT_FORWARD_UDP")
	fs.BoolVar(&disableAutostart, "disable-autostart", false, "do not start a stopped workspace")
	cli.Bind(fs, "disable-autostart", "CODER_SSH_DISABLE_AUTOSTART")
	cmd.RunE = cli.RunE(func(ctx context.Context, args []string) error {
		forwards, err := Parse(tcp, udp)
		if err != nil {
			return err
		}
		ref, err := cli.ParseWorkspace(args[0])
		if err != nil {
			return err
		}
		return run(ctx, env, tunnel.Options{Ref: ref, Autostart: !disableAutostart, Wait: "no", Progress: env.Stderr}, forwards)
	})
	return cmd
}

// Parse reads port specifications. The same local port twice is an error.
func Parse(tcp, udp []string) ([]Forward, error) {
	var out []Forward
	for _, n := range []struct {
		network string
		specs   []string
	}{{"tcp", tcp}, {"udp", udp}} {
		for _, list := range n.specs {
			for spec := range strings.SplitSeq(list, ",") {
				f, err := parseOne(n.network, strings.TrimSpace(spec))
				if err != nil {
					return nil, cli.Usage(n.network, fmt.Sprintf("%q: %s.", cli.Inert(spec), err))
				}
				if out = append(out, f...); len(out) > maxForwards {
					return nil, cli.Usage(n.network, fmt.Sprintf("More than %d ports at a time are not possible.", maxForwards))
				}
			}
		}
	}
	if err := distinct(out); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, cli.Usage("tcp", "Say which port: coder port-forward <workspace> --tcp 8080")
	}
	return out, nil
}

func distinct(all []Forward) error {
	type local struct {
		network, host string
		port          uint16
	}
	seen := map[local]bool{}
	for _, f := range all {
		l := local{f.Network, f.LocalHost, f.LocalPort}
		if seen[l] {
			return cli.Usage(f.Network, fmt.Sprintf("Port %d of this computer is named twice.", f.LocalPort))
		}
		seen[l] = true
	}
	return nil
}

func parseOne(network, spec string) ([]Forward, error) {
	host, rest := "127.0.0.1", spec
	if strings.HasPrefix(spec, "[") {
		h, after, ok := strings.Cut(spec[1:], "]:")
		if !ok {
			return nil, errors.New("an IPv6 address is written [address]:port")
		}
		host, rest = h, after
	} else if h, after, ok := strings.Cut(spec, ":"); ok && !isRange(h) {
		host, rest = h, after
	}
	local, remote, two := strings.Cut(rest, ":")
	if !two {
		remote = local
	}
	lo, n, err := portRange(local)
	if err != nil {
		return nil, err
	}
	ro, m, err := portRange(remote)
	if err != nil {
		return nil, err
	}
	if n != m {
		return nil, errors.New("the two ranges are not of the same length")
	}
	var out []Forward
	for i := range n {
		out = append(out, Forward{network, host, lo + i, ro + i})
	}
	return out, nil
}

func isRange(s string) bool {
	_, _, err := portRange(s)
	return err == nil
}

// portRange reads a port or first-last and returns the first and how many.
func portRange(s string) (first, count uint16, err error) {
	a, b, ok := strings.Cut(s, "-")
	if !ok {
		b = a
	}
	lo, err1 := strconv.ParseUint(a, 10, 16)
	hi, err2 := strconv.ParseUint(b, 10, 16)
	if err1 != nil || err2 != nil || lo == 0 {
		return 0, 0, errors.New("a port is a number from 1 to 65535")
	}
	if hi < lo || hi-lo >= maxForwards {
		return 0, 0, fmt.Errorf("a range goes from low to high and has at most %d ports", maxForwards)
	}
	return uint16(lo), uint16(hi - lo + 1), nil
}
