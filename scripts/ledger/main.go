// Command ledger kills servers, provisioner daemons and terraforms at random
// while workspaces are built, and then counts: every resource of the template
// writes into a ledger when it is made and when it goes, so that after the last
// delete what was made equals what went.
//
// It never repairs anything by hand: a build that failed is asked for again, and
// that is all that a person would do. The same -seed gives the same choices; the
// moments at which they hit depend on the machine.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// config is what the command line says.
type config struct {
	binary     string
	kills      int
	workspaces int
	external   int
	seed       uint64
	keep       bool
}

func main() {
	var c config
	flag.StringVar(&c.binary, "binary", "build/coder", "the full binary")
	flag.IntVar(&c.kills, "kills", 200, "how many processes to kill")
	flag.IntVar(&c.workspaces, "workspaces", 4, "how many workspaces are built at the same time")
	flag.IntVar(&c.external, "external", 2, "how many daemons run outside the server")
	flag.Uint64Var(&c.seed, "seed", 1, "of the random choices")
	flag.BoolVar(&c.keep, "keep", false, "keep the directory with logs and ledger")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, c)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(1)
	}
}

// run makes a deployment, a storm and the count. It prints one JSON line.
func run(ctx context.Context, c config) (err error) {
	binary, err := filepath.Abs(c.binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ledger-")
	if err != nil {
		return err
	}
	defer func() {
		if err == nil && !c.keep {
			_ = os.RemoveAll(dir)
		} else {
			fmt.Fprintln(os.Stderr, "ledger: logs and ledger are in", dir)
		}
	}()
	start := time.Now()
	d := newDeployment(binary, dir, c.external)
	defer d.stop()
	if err := d.start(ctx); err != nil {
		return err
	}
	book, err := newBook(dir)
	if err != nil {
		return err
	}
	if err := d.push(ctx, book); err != nil {
		return err
	}
	storm, err := storm(ctx, c, d)
	if err != nil {
		return err
	}
	res, err := settle(ctx, d, book, storm)
	if err != nil {
		return err
	}
	res.Seed, res.Seconds = c.seed, time.Since(start).Seconds()
	if err := json.NewEncoder(os.Stdout).Encode(res); err != nil {
		return err
	}
	return res.verdict()
}
