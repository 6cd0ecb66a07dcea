// Package sshd is the SSH server of a workspace, as OpenSSH users know it: exec,
// shell, PTY, SFTP, signals, exit status, agent, X11, TCP and unix-socket
// forwarding.
//
// It never authenticates. Its listener is reachable only through the WireGuard
// tunnel, whose peers the control plane has authorised; whoever gets here acts as
// the agent's user. It must not be given a listener on a real network.
//
// It owns the connections, their sessions and the processes in them. A session
// goes: opened → (env, pty-req, auth-agent-req, x11-req)* → one of exec, shell,
// subsystem → ended. When a client vanishes its processes get SIGHUP; when the server stops
// they get SIGKILL after a grace period.
//
// On Windows a PTY is a pseudo console, and X11 forwarding is refused.
package sshd
