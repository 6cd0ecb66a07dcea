package plain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"coder.internal/scripts/bench/proc"
)

// Nginx is a reverse proxy to one backend.
type Nginx struct {
	Addr    string
	process *proc.Process
}

// nginxConfig keeps connections to the backend, as every guide says, and logs
// nothing.
const nginxConfig = `daemon off; worker_processes auto; pid %[1]s/nginx.pid; error_log stderr;
events { worker_connections 8192; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 1h; client_max_body_size 0;
  client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  upstream app { server %[3]s; keepalive 64; keepalive_requests 100000000; }
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server { listen %[2]s; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 1h;
    proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } }
}
`

// FindNginx returns the program, which many keep out of the PATH of people.
func FindNginx() (string, error) {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path, nil
	}
	const usual = "/usr/sbin/nginx"
	if _, err := os.Stat(usual); err != nil {
		return "", errors.New("no nginx: install it (apt-get install --no-install-recommends nginx)")
	}
	return usual, nil
}

// StartNginx starts one on a port of 127.0.0.1, with its files in dir.
func StartNginx(ctx context.Context, dir, backend string) (*Nginx, error) {
	binary, err := FindNginx()
	if err != nil {
		return nil, err
	}
	port, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	n := &Nginx{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, nginxConfig, dir, n.Addr, backend), 0o600); err != nil {
		return nil, fmt.Errorf("write nginx.conf: %w", err)
	}
	n.process, err = proc.Start("nginx", filepath.Join(dir, "nginx.log"), proc.Spec{Path: binary, Dir: dir,
		Env: []string{"HOME=" + dir, "PATH=/usr/bin:/bin"}, Args: []string{"-c", conf, "-p", dir}})
	if err != nil {
		return nil, fmt.Errorf("start nginx: %w", err)
	}
	if err := n.process.Answers(ctx, n.Addr); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return n, nil
}

// Stop ends it.
func (n *Nginx) Stop() error { return n.process.Stop(syscall.SIGTERM, 5*time.Second) }
