package serve

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"coder.internal/database/local"
	"coder.internal/internal/runas"
)

// defaultUserData is where templates keep things when builds run as another user:
// the configuration directory is closed to it.
const defaultUserData = "/var/lib/coder/data"

// jobUsers returns whom each in-process daemon runs builds as; nil is the user of
// this process.
func (s *Server) jobUsers() ([]*runas.User, error) {
	c := s.cfg.Provisioner
	out := make([]*runas.User, c.Daemons)
	if c.User == "" {
		warnRoot(s.log, "--provisioner-user")
		return out, nil
	}
	users, err := parseUsers("provisioner-user", c.User)
	if err != nil {
		return nil, err
	}
	if len(users) > 1 && len(users) < c.Daemons {
		return nil, fmt.Errorf("option --provisioner-user: %d users are named for %d daemons (--provisioner-daemons); name one for all, or one for each", len(users), c.Daemons)
	}
	if s.cfg.PostgresURL == "" {
		if err := apartFromPostgres(s.cfg.PostgresUser, users); err != nil {
			return nil, err
		}
	}
	for i := range out {
		out[i] = users[i%len(users)]
	}
	return out, nil
}

// parseUsers reads an option that names users and checks that this process may
// become them.
func parseUsers(option, list string) ([]*runas.User, error) {
	users, err := runas.Parse(list)
	if err == nil {
		err = users[0].Check()
	}
	if err != nil {
		return nil, fmt.Errorf("option --%s: %w", option, err)
	}
	return users, nil
}

// apartFromPostgres refuses users to whom the files of the built-in Postgres belong.
func apartFromPostgres(configured string, users []*runas.User) error {
	name, uid, err := local.RunsAs(configured)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.UID == uid {
			return fmt.Errorf("option --provisioner-user: the built-in Postgres runs as %s, and builds must not reach its files; name another user here, or for Postgres with --postgres-builtin-user", name)
		}
	}
	return nil
}

// jobUser returns whom an external daemon runs builds as.
func (c *DaemonConfig) jobUser(log *slog.Logger) (*runas.User, error) {
	if c.User == "" {
		warnRoot(log, "--user")
		return nil, nil //nolint:nilnil // the user of this process
	}
	users, err := parseUsers("user", c.User)
	if err != nil {
		return nil, err
	}
	if len(users) != 1 {
		return nil, errors.New("option --user: a daemon runs one build at a time; name one user")
	}
	return users[0], nil
}

func warnRoot(log *slog.Logger, option string) {
	if os.Geteuid() == 0 {
		log.Warn("templates run as root; name a user for them with "+option, "component", "provisionerd")
	}
}

// dataDir returns the directory of templates that keep things on this host.
func (c *Config) dataDir(user *runas.User) (string, error) {
	dir := c.Provisioner.DataDir
	switch {
	case user != nil && dir == "":
		return giveDataDir(defaultUserData, user)
	case user != nil:
		return giveDataDir(dir, user)
	case dir == "":
		return filepath.Join(c.ConfigDir, "data"), nil
	}
	return filepath.Abs(dir)
}

// giveDataDir makes a user's own directory below dir, which others may pass and
// not list.
func giveDataDir(dir string, user *runas.User) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("make data directory: %w", err)
	}
	own := filepath.Join(dir, user.Name)
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // it is to be passed
		return "", fmt.Errorf("make data directory: %w", err)
	}
	if err := os.Mkdir(own, 0o700); os.IsExist(err) {
		info, err := os.Lstat(own)
		if err != nil {
			return "", fmt.Errorf("make data directory: %w", err)
		}
		if !info.IsDir() || !user.Owns(info) {
			return "", fmt.Errorf("the data directory %s belongs to somebody else than user %s; move it away or choose another one (--provisioner-data-dir)", own, user.Name)
		}
		return own, nil
	} else if err != nil {
		return "", fmt.Errorf("make data directory: %w", err)
	}
	return own, user.Give(own)
}
