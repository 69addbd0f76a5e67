# SPDX-License-Identifier: BSD-2-Clause
"""Configuration management on the mail host, as far as it applies fragments of detour-apply's.

Each stand-in reads one format as the tool itself would, and runs what it says on the host.
"""

import re

import yaml

CURRENT = "/etc/postfix/detourd/fragments/current"


class _Ansible(yaml.SafeLoader):
    """Knows the one tag that tasks may bear."""


_Ansible.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))

LINES = {"difference": lambda lines, live: not set(lines) <= set(live),
         "intersect": lambda lines, live: bool(set(lines) & set(live))}


class ConfigManagement:
    def __init__(self, host):
        self.host = host

    def read(self, name):
        return self.host.path(f"{CURRENT}/{name}").read_text()

    def run(self, *words):
        done = self.host.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def _live(self):
        return self.host.run("postconf", "-n", check=True).stdout.splitlines()

    def script(self):
        self.run("sh", f"{CURRENT}/postconf.sh")

    def snippet(self):
        """As a template would: every line that sets one of the names goes, the snippet comes."""
        text = self.read("main.cf")
        names = set(re.findall(r"^# take out: (\S+)$|^(\w+) =", text, re.MULTILINE))
        names = {a or b for a, b in names}
        lines = [line for line in self.host.main_cf.read_text().splitlines()
                 if line.partition("=")[0].strip() not in names]
        self.host.main_cf.write_text("\n".join([*lines, text]))
        self._master_snippet()
        reload = re.search("^# Reload with: (.*)$", text, re.MULTILINE)[1]
        self.run("sh", "-c", reload)

    def _master_snippet(self):
        path = self.host.path(f"{CURRENT}/master.cf")
        if not path.exists():
            return
        text = path.read_text()
        names = set(re.findall(r"^# take out: (\S+)/\S+$|^([^#\s]\S*) ", text, re.MULTILINE))
        for name in {a or b for a, b in names}:
            self.run("postconf", "-MX", f"{name}/unix")
        self.host.master_cf.write_text(self.host.master_cf.read_text() + text)

    def ansible(self):
        registered = {}
        for task in yaml.load(self.read("ansible.yml"), _Ansible):
            argv = task["ansible.builtin.command"]["argv"]
            if "when" in task and not self._wanted(task["when"], task["vars"], registered):
                continue
            registered[task.get("register")] = self.run(*argv).splitlines()

    @staticmethod
    def _wanted(condition, variables, registered):
        """The conditions that there are, in Python."""
        if condition.startswith("detourd_lines "):
            how, name = re.fullmatch(r"detourd_lines \| (\w+)\((\w+)\.stdout_lines\) \| length > 0",
                                     condition).groups()
            return LINES[how](variables["detourd_lines"], registered[name])
        entries = [re.sub("[ \t]+", " ", line) for line in registered["detourd_master_cf"]]
        if condition.startswith("detourd_entry not in "):
            return variables["detourd_entry"] not in entries
        assert condition.startswith("detourd_name in ")
        return variables["detourd_name"] in ["/".join(entry.split(" ")[:2]) for entry in entries]

    def salt(self):
        text = self.read("salt.sls")
        assert text.startswith("#!yaml\n")
        states, changed = yaml.safe_load(text), set()
        for name, state in states.items():
            arguments = {key: value for entry in state["cmd.run"] for key, value in entry.items()}
            done = {entry["cmd"] for entry in arguments.get("require", ())}
            assert done <= set(list(states)[:list(states).index(name)]), "in their order"
            wanted = {entry["cmd"] for entry in arguments.get("onchanges_any", ())}
            if wanted and not wanted & changed:
                continue
            if "unless" in arguments and self._holds(arguments["unless"]):
                continue
            if "onlyif" in arguments and not self._holds(arguments["onlyif"]):
                continue
            self.run("sh", "-c", arguments["name"])
            changed.add(name)

    def _holds(self, test):
        return self.host.run("sh", "-c", test).returncode == 0
