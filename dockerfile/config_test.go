package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

// spot gives the text that a location covers, with its first line.
func spot(plan *dockerfile.Plan, loc dockerfile.Location) string {
	if loc.IsZero() {
		return ""
	}
	text := string(plan.Dockerfile.Data[loc.Range.Start.Offset:loc.Range.End.Offset])
	return fmt.Sprintf("%d: %s", loc.Range.Start.Line, text)
}

func TestConfigSources(t *testing.T) {
	base := fixedImages{"docker.io/library/base:latest": `{"config":{"Env":["FROM_BASE=1","OVER=base"],"WorkingDir":"/base","User":"u",
		"Cmd":["basecmd"],"Entrypoint":["baseentry"],"OnBuild":["ENV TRIGGERED=1","EXPOSE 9"]}}`}
	cases := []struct {
		name, dockerfile string
		opts             []func(*dockerfile.Options)
		env              map[string]string // key: "value <- place"
		workdir, user    string
		cmd, entrypoint  string
		ports            map[string]string
		labels           map[string]string
	}{
		{
			name:       "several pairs on several lines",
			dockerfile: lines("FROM scratch", `ENV A=1 B="two words" \`, "# a comment", `    C=x\ y D='q "r"' \`, "", "    E="),
			env: map[string]string{"A": "1 <- 2: A=1", "B": `two words <- 2: B="two words"`, "C": `x y <- 4: C=x\ y`,
				"D": `q "r" <- 4: D='q "r"'`, "E": " <- 6: E="},
		},
		{
			name:       "the old form",
			dockerfile: lines("FROM scratch", "ENV A  some words = here"),
			env:        map[string]string{"A": "some words = here <- 2: ENV A  some words = here"},
		},
		{
			name:       "the last instruction wins, through stages",
			dockerfile: lines("FROM scratch AS a", "ENV A=1 B=1", "WORKDIR /a", "USER me", "CMD [\"x\"]", "FROM a AS b", "ENV B=2 C=$A$B", "WORKDIR sub", "FROM scratch", "FROM b"),
			env:        map[string]string{"A": "1 <- 2: A=1", "B": "2 <- 7: B=2", "C": "11 <- 7: C=$A$B"},
			workdir:    "/a/sub <- 8: WORKDIR sub", user: "me <- 4: USER me", cmd: `[x] <- 5: CMD ["x"]`,
		},
		{
			name:       "a base that is known",
			dockerfile: lines("FROM base", "ENV OVER=mine", "EXPOSE 80 90-91/UDP"),
			opts:       []func(*dockerfile.Options){withImages(base)},
			env:        map[string]string{"FROM_BASE": "1 <- ", "OVER": "mine <- 2: OVER=mine", "TRIGGERED": "1 <- 1: FROM base"},
			workdir:    "/base <- ", user: "u <- ", cmd: "[basecmd] <- ", entrypoint: "[baseentry] <- ",
			ports: map[string]string{"80/tcp": "3: EXPOSE 80 90-91/UDP", "90/udp": "3: EXPOSE 80 90-91/UDP", "91/udp": "3: EXPOSE 80 90-91/UDP", "9/tcp": "1: FROM base"},
		},
		{
			name:       "an ENTRYPOINT forgets the base's CMD but not its own stage's",
			dockerfile: lines("FROM scratch AS a", "CMD a", "FROM a AS b", "ENTRYPOINT [\"e\"]", "FROM scratch", "CMD [\"c\"]", "ENTRYPOINT [\"e\"]"),
			cmd:        `[c] <- 6: CMD ["c"]`, entrypoint: `[e] <- 7: ENTRYPOINT ["e"]`,
		},
		{
			name:       "the CMD is forgotten",
			dockerfile: lines("FROM scratch AS a", "CMD a", "FROM a", "ENTRYPOINT [\"e\"]"),
			entrypoint: `[e] <- 4: ENTRYPOINT ["e"]`,
		},
		{
			name:       "keys that are expanded",
			dockerfile: lines("ARG G=global", "FROM scratch", "ARG G", "ARG K=name", "ENV ${K}_X=$G \"Q\"=2", "LABEL $K=v other=$G", "EXPOSE $NOPE"),
			opts:       []func(*dockerfile.Options){withArgs(map[string]string{"K": "given"})},
			env:        map[string]string{"given_X": "global <- 5: ${K}_X=$G", "Q": `2 <- 5: "Q"=2`},
			labels:     map[string]string{"given": "6: $K=v", "other": "6: other=$G"},
		},
		{
			name:       "an argument hides a setting while building only",
			dockerfile: lines("FROM scratch", "ENV A=env", "ARG A=arg", "ENV B=$A"),
			env:        map[string]string{"A": "env <- 2: A=env", "B": "arg <- 4: B=$A"},
		},
		{
			name:       "the base is chosen by an argument",
			dockerfile: lines("ARG B=x", "FROM scratch AS x", "ENV V=x", "FROM scratch AS y", "ENV V=y", "FROM ${B}"),
			opts:       []func(*dockerfile.Options){withArgs(map[string]string{"B": "y"})},
			env:        map[string]string{"V": "y <- 5: V=y"},
		},
		{
			name:       "a stage that a named context replaces",
			dockerfile: lines("FROM scratch AS x", "ENV V=x", "FROM x", "ENV W=1"),
			opts:       []func(*dockerfile.Options){withContexts(map[string]string{"x": "docker-image://other"})},
			env:        map[string]string{"W": "1 <- 4: W=1"},
		},
		{
			name:       "triggers of a stage",
			dockerfile: lines("FROM scratch AS x", "ONBUILD ENV T=1 U=2", "FROM x", "ENV U=3"),
			env:        map[string]string{"T": "1 <- 3: FROM x", "U": "3 <- 4: U=3"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan := mustCompile(t, c.dockerfile, c.opts...)
			checkPlan(t, plan)
			env := map[string]string{}
			for _, kv := range plan.Config.Env {
				k, v, _ := strings.Cut(kv, "=")
				if k != "PATH" {
					env[k] = v + " <- " + spot(plan, plan.ConfigSources.Env[k])
				}
			}
			if c.env == nil {
				c.env = map[string]string{}
			}
			assert.Equal(t, c.env, env)
			at := func(value any, empty bool, loc dockerfile.Location) string {
				if empty && loc.IsZero() {
					return ""
				}
				return fmt.Sprintf("%v <- %s", value, spot(plan, loc))
			}
			cfg, src := plan.Config, plan.ConfigSources
			if c.workdir != "" || cfg.WorkingDir != "/" {
				assert.Equal(t, c.workdir, at(cfg.WorkingDir, cfg.WorkingDir == "", src.WorkingDir))
			}
			assert.Equal(t, c.user, at(cfg.User, cfg.User == "", src.User))
			assert.Equal(t, c.cmd, at(cfg.Cmd, cfg.Cmd == nil, src.Cmd))
			assert.Equal(t, c.entrypoint, at(cfg.Entrypoint, cfg.Entrypoint == nil, src.Entrypoint))
			assert.Equal(t, c.ports, spots(plan, src.ExposedPorts))
			assert.Equal(t, c.labels, spots(plan, src.Labels))
		})
	}
}

func spots(plan *dockerfile.Plan, locations map[string]dockerfile.Location) map[string]string {
	var out map[string]string
	for k, loc := range locations {
		if out == nil {
			out = map[string]string{}
		}
		out[k] = spot(plan, loc)
	}
	return out
}

func TestStages(t *testing.T) {
	plan := mustCompile(t, lines("ARG X=alpine", "FROM --platform=$BUILDPLATFORM $X AS Base", "RUN a \\", "  b", "", "FROM base", "COPY --from=dep x y",
		"FROM scratch AS unused", "ENV A=1", "FROM scratch AS dep", "COPY a a", "FROM base AS last", "RUN --mount=from=dep,target=/x true"), withTarget("last"))
	type stage struct {
		name, base      string
		on, first, last int
		reached         bool
		instructions    string
	}
	var got []stage
	for _, st := range plan.Stages {
		var texts []string
		for _, ins := range st.Instructions {
			texts = append(texts, ins.Keyword+"|"+ins.Location.Text)
		}
		got = append(got, stage{st.Name, st.BaseName + ">" + st.Base, st.BaseStage, st.Range.Start.Line, st.Range.End.Line, st.Reached, strings.Join(texts, ";")})
	}
	assert.Equal(t, []stage{
		{"base", "$X>alpine", -1, 2, 4, true, "RUN|RUN a b"},
		{"", "base>base", 0, 6, 7, false, "COPY|COPY --from=dep x y"},
		{"unused", "scratch>scratch", -1, 8, 9, false, "ENV|ENV A=1"},
		{"dep", "scratch>scratch", -1, 10, 11, true, "COPY|COPY a a"},
		{"last", "base>base", 0, 12, 13, true, "RUN|RUN --mount=from=dep,target=/x true"},
	}, got)
	assert.Equal(t, 4, plan.TargetStage)
	assert.Equal(t, "last", plan.Target)
	assert.Equal(t, "$BUILDPLATFORM", plan.Stages[0].Platform)
}

func TestWarnings(t *testing.T) {
	plan := mustCompile(t, lines("FROM scratch as b", "WORKDIR x", "CMD a \\", "  b", "MAINTAINER me"))
	var got []string
	for _, w := range plan.Warnings {
		got = append(got, fmt.Sprintf("%s %d:%d-%d:%d", w.Rule, w.Range.Start.Line, w.Range.Start.Column, w.Range.End.Line, w.Range.End.Column))
		assert.Contains(t, w.URL, "https://docs.docker.com/go/dockerfile/rule/")
		assert.NotContains(t, w.Message, w.Rule)
		assert.NotEmpty(t, w.Description)
	}
	assert.Equal(t, []string{"FromAsCasing 1:1-1:18", "WorkdirRelativePath 2:1-2:10", "JSONArgsRecommended 3:1-4:4", "MaintainerDeprecated 5:1-5:14"}, got)

	assert.Empty(t, mustCompile(t, lines("# check=skip=JSONArgsRecommended", "FROM scratch", "CMD a")).Warnings)
}
