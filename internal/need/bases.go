package need

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/lazyre"
	"github.com/ctxaudit/ctxaudit/internal/simulate"
)

// official are the names of Docker's official images. A name without a slash that is none of them is an image that somebody
// built under that name.
var official = strings.Fields(`adminer aerospike almalinux alpine alt amazoncorretto amazonlinux api-firewall arangodb archlinux
	backdrop bash bonita buildpack-deps busybox caddy cassandra centos chronograf cirros clearlinux clefos clojure composer
	convertigo couchbase couchdb crate dart debian docker drupal eclipse-mosquitto eclipse-temurin eggdrop elasticsearch elixir
	emqx erlang express-gateway fedora flink fluentd friendica gazebo gcc geonetwork ghost golang gradle groovy haproxy haskell
	haxe hello-world httpd hylang ibmjava ibm-semeru-runtimes influxdb iojs irssi java jetty joomla jobber jruby julia kapacitor kibana
	kong krakend lightstreamer liquibase logstash mageia mariadb matomo maven mediawiki memcached mono monica mongo
	mongo-express mysql nats nats-streaming neo4j neurodebian nextcloud nginx node notary nuxeo odoo open-liberty openjdk
	opensuse oraclelinux orientdb percona perl photon php php-zendserver phpmyadmin plone postfixadmin postgres pypy python
	r-base rabbitmq rails rakudo-star rapidoid redis redmine registry rethinkdb rocket.chat rockylinux ros ruby rust
	sapmachine satosa scratch silverpeas sl solr sonarqube sourcemage spark spiped storm swift swipl teamspeak telegraf
	thrax tomcat tomee traefik ubuntu unit valkey varnish vault wordpress xwiki yourls znc zookeeper`)

// plainBase recognises base images that hold an operating system, a language or a tool, and no project's own modules:
// Docker's official images and those that vendors publish for everybody to build on. Any other image may have been built
// from the very repository.
var plainBase = lazyre.New(`^(gcr\.io/distroless/|registry\.access\.redhat\.com/ubi|registry\.redhat\.io/ubi|` +
	`mcr\.microsoft\.com/|public\.ecr\.aws/(lambda|docker/library|amazonlinux|bitnami)/|docker\.io/amazon/aws-lambda-python|` +
	`(docker|nvcr)\.io/nvidia/|ghcr\.io/astral-sh/|docker\.io/astral/|docker\.io/tiangolo/|quay\.io/tiangolo/|docker\.io/bitnami(legacy)?/|` +
	`docker\.io/continuumio/|docker\.io/condaforge/|quay\.io/condaforge/|docker\.io/mambaorg/|docker\.io/pypy/|docker\.io/redhat/ubi|` +
	`docker\.io/(pytorch|tensorflow|rocm)/|cgr\.dev/chainguard/|dhi\.io/|docker\.io/(cimg|nikolaik|linuxserver|phusion|balenalib|circleci)/|` +
	`docker\.io/(alpine|ubuntu|debian|python|amazonlinux|rockylinux|almalinux)/|docker\.io/(selenium|apache|duffn/python-poetry)|quay\.io/pypa/)`)

// ForeignBase gives a base image that the image or a stage that it copies from is built on and of which nothing is known:
// it may hold modules of the project, and set variables that steer where modules are looked for. nil if there is none.
func ForeignBase(m *simulate.Image) *dockerfile.Op {
	seen := map[int]bool{}
	var visit func(ref dockerfile.OutputRef, tool bool) *dockerfile.Op
	visit = func(ref dockerfile.OutputRef, tool bool) *dockerfile.Op {
		if ref.Op < 0 || seen[ref.Op] {
			return nil
		}
		op := m.Plan.Ops[ref.Op]
		if op.Kind == dockerfile.OpImage {
			if tool || plain(op.Image.Ref) {
				return nil
			}
			return op
		}
		seen[ref.Op] = true
		for i, in := range op.Inputs {
			if root, _ := op.Root(); op.Kind == dockerfile.OpExec && in != root {
				continue // a mount leaves nothing in the image
			}
			if found := visit(in, op.Kind == dockerfile.OpFile && onlyTools(op, i)); found != nil {
				return found
			}
		}
		return nil
	}
	return visit(m.Plan.Result, false)
}

// onlyTools reports whether all that a file operation copies out of one of its inputs are programs.
func onlyTools(op *dockerfile.Op, input int) bool {
	found := false
	for _, a := range op.File {
		cp, ok := a.Change.(dockerfile.Copy)
		if !ok || a.Source != input {
			continue
		}
		found = true
		if !slices.Contains(strings.Split(cp.Src+"/"+cp.Dest, "/"), "bin") {
			return false
		}
	}
	return found
}

// BaseName is how people know an image.
func BaseName(op *dockerfile.Op) string {
	return strings.TrimPrefix(strings.TrimPrefix(op.Image.Ref, "docker.io/"), "library/")
}

func plain(ref string) bool {
	if name, ok := strings.CutPrefix(ref, "docker.io/library/"); ok {
		name, _, _ = strings.Cut(name, "@")
		name, _, _ = strings.Cut(name, ":")
		return slices.Contains(official, name)
	}
	return plainBase().MatchString(ref)
}
