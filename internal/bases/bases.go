// Package bases is what is known of base images by their names: which are published for everybody to build on, and what those hold.
// Nothing is fetched.
package bases

import (
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
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
	`docker\.io/(pytorch|tensorflow|rocm)/|cgr\.dev/chainguard/|dhi\.io/|docker\.io/(cimg|lukemathwalker|bufbuild|nikolaik|linuxserver|phusion|balenalib|circleci)/|` +
	`docker\.io/(alpine|ubuntu|debian|python|amazonlinux|rockylinux|almalinux)/|docker\.io/(selenium|apache|duffn/python-poetry)|quay\.io/pypa/)`)

// Plain reports whether an image, by its full reference, is published for everybody to build on, and holds no project's own modules.
func Plain(ref string) bool {
	full, _ := split(ref)
	if name, ok := strings.CutPrefix(full, "docker.io/library/"); ok {
		return slices.Contains(official, name)
	}
	return plainBase().MatchString(ref)
}

// standard are the directories in which distributions have what they install, as patterns. Their other ones, /home, /media, /mnt, /opt,
// /srv and /tmp, are there and empty, and so are /usr/src, but for the sources of what is installed, and what people name in /usr and /var.
var standard = strings.Fields(`bin boot dev etc lib lib32 lib64 libx32 proc root run sbin sys
	usr/bin usr/games usr/[ehikmX]* usr/lib* usr/local/[^a]* usr/local/a[^p]* usr/local/ap[^p]* usr/local/app?* usr/s[bh]* usr/src/linux* usr/src/kernels usr/src/php* usr/src/debug var/[bcdelmors]* var/adm var/account var/tmp var/www/html/index* var/www/localhost`)

// holds are official images, and others whose sources are public, with what they hold beyond the standard directories, as their
// Dockerfiles say. It is the same for all of their tags, or the row has what any of them has.
var holds = []struct{ names, more string }{
	{"almalinux alpine amazonlinux archlinux buildpack-deps busybox centos debian fedora gcc oraclelinux photon python rockylinux pypy rust php ruby golang erlang elixir httpd swift julia bash clearlinux opensuse", "opt/aws* opt/pypy* opt/rh* anaconda-post.log local"},
	{"ubuntu", "home/ubuntu/.*"},
	{"node", "home/node/.* opt/yarn*"},
	{"composer", "docker-entrypoint.sh tmp"},
	{"perl", "usr/src/perl opt/aws* opt/pypy* opt/rh* anaconda-post.log local"},
	{"openjdk eclipse-temurin amazoncorretto maven ibm-semeru-runtimes sapmachine tomcat", "opt __cacert_entrypoint.sh home/ubuntu/.* licenses THIRD-PARTY-LICENSES*"},
	{"gradle", "opt __cacert_entrypoint.sh home/*/.*"},
	{"nginx", "docker-entrypoint.d docker-entrypoint.sh"},
	{"redis valkey", "data"},
	{"caddy", "config data"},
	{"mysql", "docker-entrypoint-initdb.d entrypoint.sh"},
	{"postgres", "docker-entrypoint-initdb.d docker-entrypoint.sh"},
}

// vendors are the same for images that are known by where they come from, with a slash at the end of a directory.
var vendors = []struct{ prefix, more string }{
	{"gcr.io/distroless/", "home busybox nodejs"},
	{"docker.io/oven/bun", "home/*/.*"},
	{"docker.io/nginxinc/nginx-unprivileged", "docker-entrypoint.d docker-entrypoint.sh"},
	{"docker.io/lukemathwalker/cargo-chef", "opt"},
	{"docker.io/bufbuild/buf", ""},
	{"docker.io/tonistiigi/xx", ""},
	{"docker.io/dunglas/frankenphp", "app/public config data"},
	{"ghcr.io/astral-sh/uv", "uv uvx io opt"},
	{"public.ecr.aws/lambda/", "lambda-entrypoint.sh opt var/lang var/runtime var/rapid var/task"},
	{"docker.io/tiangolo/uvicorn-gunicorn", "app entrypoint.sh start.sh start-reload.sh gunicorn_conf.py tmp/requirements.txt opt"},
	{"docker.io/tiangolo/uvicorn-gunicorn-fastapi", "app entrypoint.sh start.sh start-reload.sh gunicorn_conf.py tmp/requirements.txt opt"},
	{"mcr.microsoft.com/dotnet/sdk", "home/*/.* opt"},
	{"mcr.microsoft.com/dotnet/aspnet", "home/*/.* opt"},
	{"mcr.microsoft.com/dotnet/runtime", "home/*/.* opt"},
	{"mcr.microsoft.com/dotnet/runtime-deps", "home/*/.* opt"},
}

// bare are official images that have a distribution's own programs and no others.
var bare = strings.Fields("almalinux alpine amazonlinux archlinux busybox centos clearlinux debian fedora opensuse oraclelinux photon rockylinux ubuntu")

// distroless are images that have no program at all, but for a shell where their tag says so.
var distroless = lazyre.New(`^gcr\.io/distroless/(?:static|base|base-nossl|cc)(?:-debian\d+)?$`)

// Bare reports whether an image, by its full reference, has the programs of a distribution, and none that was written for it.
func Bare(ref string) bool {
	name, ok := strings.CutPrefix(ref, "docker.io/library/")
	name, _, _ = strings.Cut(name, "@")
	name, _, _ = strings.Cut(name, ":")
	return ok && slices.Contains(bare, name) || distroless().MatchString(name)
}

// Workdir reports whether it is known of an image, by its full reference, in which directory it works, and gives that: "/" if it sets
// none.
func Workdir(ref string) (dir string, ok bool) {
	if value, ok := settings().Find(ref)["workdir"]; ok {
		return strings.Trim(value, `"`), true
	}
	return "/", Bare(ref)
}

// Holds gives the paths below the root at or below which an image may hold files, by its full reference. ok is false if that is not
// known: it may hold any.
func Holds(ref string) (paths []string, ok bool) {
	name, _ := split(ref)
	everywhere := standard
	if shellless(ref) {
		everywhere = withoutShell()
	}
	if library, is := strings.CutPrefix(name, "docker.io/library/"); is {
		for _, row := range holds {
			if slices.Contains(strings.Fields(row.names), library) {
				return append(slices.Clip(everywhere), strings.Fields(row.more)...), true
			}
		}
	}
	for _, v := range vendors {
		if name == v.prefix || strings.HasSuffix(v.prefix, "/") && strings.HasPrefix(name, v.prefix) {
			return append(slices.Clip(everywhere), strings.Fields(v.more)...), true
		}
	}
	return nil, false
}

// shellless reports whether an image has no shell, by its full reference: that of distroless for Python has one up to Debian 11.
func shellless(ref string) bool {
	name, tag := split(ref)
	kind, distroless := strings.CutPrefix(name, "gcr.io/distroless/")
	switch {
	case distroless:
		return !slices.Contains(words(tag), "debug") && (!strings.HasPrefix(kind, "python") || strings.HasSuffix(kind, "-debian12") || strings.HasSuffix(kind, "-debian13"))
	case strings.HasPrefix(name, "mcr.microsoft.com/dotnet/"):
		return slices.Contains(words(tag), "chiseled") || slices.Contains(words(tag), "distroless")
	}
	return name == "docker.io/oven/bun" && slices.Contains(words(tag), "distroless")
}

// withoutShell are the standard directories, with programs that are no shells.
func withoutShell() (paths []string) {
	for _, dir := range standard {
		if dir != "bin" && dir != "usr/bin" {
			paths = append(paths, dir)
			continue
		}
		for _, name := range []string{"[^abds]*", "a[^s]*", "b[^au]*", "d[^a]*", "s[^h]*", "sh?*"} { // ash, bash, busybox, dash, sh
			paths = append(paths, dir+"/"+name)
		}
	}
	return paths
}

// pythonTag are references whose tags say which Python they have: Docker's own, and uv's.
var pythonTag = lazyre.New(`^(?:docker\.io/library/python|public\.ecr\.aws/docker/library/python|ghcr\.io/astral-sh/uv):(?:[\d.]+-|latest-)?(?:python)?(\d\.\d+)(?:[.-]|$)`)

// Python gives the minor version of Python that an image has, such as "3.12", by its full reference; "" if that is not known.
func Python(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if m := pythonTag().FindStringSubmatch(ref); m != nil && (!strings.Contains(ref, "/uv:") || strings.Contains(ref, "python3")) {
		return m[1]
	}
	return ""
}
