package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// socket is where docker's daemon listens if nobody says otherwise.
const socket = "/var/run/docker.sock"

// ErrNotThere says that a daemon has no image of a name.
var ErrNotThere = errors.New("the docker daemon has no such image")

// Daemon is the docker daemon of this machine, or one that answers as it does. It is asked over its socket, and never over a network.
type Daemon struct {
	client *http.Client
	path   string
	agent  string
}

// NewDaemon gives the daemon of a host as $DOCKER_HOST has it; "" is the usual one. Nothing is asked yet.
func NewDaemon(host, agent string) (*Daemon, error) {
	path := socket
	if host != "" {
		var local bool
		if path, local = strings.CutPrefix(host, "unix://"); !local || path == "" {
			return nil, fmt.Errorf("DOCKER_HOST is %s: only a daemon of this machine is asked, at unix://PATH", host)
		}
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	return &Daemon{&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}, path, agent}, nil
}

// Save gives an image as docker save writes it; [ErrNotThere] if the daemon has none of that name.
func (d *Daemon) Save(ctx context.Context, ref string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/images/get?names="+url.QueryEscape(ref), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", d.agent)
	r, err := d.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the docker daemon at %s: %w", d.path, cause(err))
	}
	switch r.StatusCode {
	case http.StatusOK:
		return r.Body, nil
	case http.StatusNotFound:
		r.Body.Close()
		return nil, ErrNotThere
	}
	defer r.Body.Close()
	var said struct{ Message string }
	_ = json.NewDecoder(io.LimitReader(r.Body, 4<<10)).Decode(&said) // what it says is a help, and no more
	if strings.Contains(said.Message, "image not known") {           // Podman's service, which has another status for it
		return nil, ErrNotThere
	}
	return nil, fmt.Errorf("the docker daemon at %s answers %s %s", d.path, r.Status, said.Message)
}

// cause leaves out the address that was made up for the request.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
