package dockerfile_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"

	"github.com/ctxaudit/ctxaudit/dockerctx"
	"github.com/ctxaudit/ctxaudit/dockerfile"
)

const text = `ARG HOME_OF=/srv/app
FROM scratch AS build
ARG HOME_OF
COPY . $HOME_OF
FROM scratch
ARG HOME_OF
ENV PYTHONPATH=$HOME_OF
COPY --from=build $HOME_OF/shop $HOME_OF/shop
CMD ["python", "-m", "shop"]
`

// What a build would do, with the instruction of each operation; the files are those of a map here.
func ExampleCompile() {
	plan, err := dockerfile.Compile(context.Background(), dockerfile.Options{
		BuildArgs: map[string]string{"HOME_OF": "/app"},
		Open: func(string) (dockerctx.FS, error) {
			return dockerctx.FromFS(fstest.MapFS{"Dockerfile": {Data: []byte(text)}}), nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, op := range plan.Ops {
		fmt.Printf("%s: %s:%d %s\n", op.Kind, op.Location.File, op.Location.Range.Start.Line, op.Location.Text)
	}
	fmt.Println(plan.Config.Env, "by line", plan.ConfigSources.Env["PYTHONPATH"].Range.Start.Line)
	// Output:
	// local: Dockerfile:4 COPY . $HOME_OF
	// file: Dockerfile:4 COPY . $HOME_OF
	// file: Dockerfile:8 COPY --from=build $HOME_OF/shop $HOME_OF/shop
	// [PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PYTHONPATH=/app] by line 7
}
