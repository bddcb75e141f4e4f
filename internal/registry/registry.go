// Package registry fetches images from registries and from the docker daemon of this machine, and is the only one that dials. Credentials
// are those that docker has: its configuration, and the programs that it names there.
package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/ctxaudit/ctxaudit/internal/baseimage"
)

// Fetch gives the image of a reference for a platform, as in linux/amd64. Its layers are fetched when they are opened.
func Fetch(ctx context.Context, ref, platform, agent string) (*baseimage.Source, error) {
	r, err := name.ParseReference(ref)
	if err != nil {
		return nil, err
	}
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return nil, err
	}
	d, err := remote.Get(r, remote.WithContext(ctx), remote.WithPlatform(*p), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent(agent))
	if err != nil {
		return nil, failure(err)
	}
	image, err := d.Image()
	if err != nil {
		return nil, failure(err)
	}
	s := &baseimage.Source{}
	if d.MediaType.IsIndex() {
		s.Listed = d.Digest.String()
	}
	digest, err := image.Digest()
	if err != nil {
		return nil, failure(err)
	}
	s.Digest = digest.String()
	if s.Config, err = image.RawConfigFile(); err != nil {
		return nil, failure(err)
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, failure(err)
	}
	for _, l := range layers {
		s.Layers = append(s.Layers, func(context.Context) (io.ReadCloser, error) {
			r, err := l.Compressed()
			return r, failure(err)
		})
	}
	return s, nil
}

// failure says what people can do about a refusal.
func failure(err error) error {
	var refused *transport.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("the registry refuses it; if it is there, 'docker login' lets you in: %w", err)
	case http.StatusNotFound:
		return fmt.Errorf("the registry has no such image: %w", err)
	}
	return err
}
