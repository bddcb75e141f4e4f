// The site is the pages of docs/ as they are: make site builds it, and fails on a link that leads nowhere.
import { readdirSync } from "node:fs";

const repository = "https://github.com/ctxaudit/ctxaudit";
const page = (text, link) => ({ text, link });
const rules = readdirSync(new URL("../rules/", import.meta.url))
  .map((name) => name.replace(/\.md$/, ""))
  .sort()
  .map((name) => page(name, `/rules/${name}`));

// What lies beside docs/ is no page: its links lead to the repository, as they do there.
function repositoryLinks(md) {
  const open = md.renderer.rules.link_open ?? ((tokens, i, options, env, self) => self.renderToken(tokens, i, options));
  md.renderer.rules.link_open = (tokens, i, options, env, self) => {
    const href = tokens[i].attrGet("href");
    const file = /^(?:\.\.\/)+([A-Za-z.][\w./-]*)$/.exec(href);
    const beside = file && !/^(?:rules\/|[\w-]+\.md)/.test(file[1].replace(/^(SECURITY|CONTRIBUTING|README|CHANGELOG)\.md$/, "$1"));
    const json = /^[\w./-]+\.json$/.test(href);
    if (beside) tokens[i].attrSet("href", `${repository}/blob/main/${file[1]}`);
    if (json) tokens[i].attrSet("href", `${repository}/blob/main/docs/${href}`);
    return open(tokens, i, options, env, self);
  };
}

export default {
  title: "ctxaudit",
  description: "Checks, before anything is built, whether a Docker image will have what its program needs",
  base: process.env.SITE_BASE ?? "/",
  cleanUrls: true,
  markdown: { config: repositoryLinks },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    socialLinks: [{ icon: "github", link: repository }],
    editLink: { pattern: `${repository}/edit/main/docs/:path` },
    nav: [page("Getting started", "/getting-started"), page("How-to", "/how-to"), page("Rules", "/rules"), page("BuildKit's ignore file", "/ignore-file")],
    sidebar: [
      { text: "Use", items: [page("Getting started", "/getting-started"), page("Install", "/install"), page("In CI and before a commit", "/ci"), page("How-to", "/how-to")] },
      { text: "Reference", items: [page("Commands", "/commands"), page("Configuration", "/configuration"), page("Formats and exit codes", "/formats")] },
      {
        text: "How it works",
        items: [page("BuildKit's ignore file", "/ignore-file"), page("Limits", "/limits"), page("Performance", "/performance"), page("Architecture", "/architecture")],
      },
      { text: "Rules", link: "/rules", collapsed: true, items: rules },
    ],
  },
};
