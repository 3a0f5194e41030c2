#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Ansible module: mail accounts of saslpasswd-rs as they should be, on top of `sasldb-rs apply`."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: sasldb_rs_accounts
short_description: Mail accounts of saslpasswd-rs
description:
  - Makes, changes and removes accounts with C(sasldb-rs apply). Passwords go over its stdin, never into a command line or a file.
  - What is not said of an account stays as it is. The same play again changes nothing.
options:
  accounts:
    description:
      - The accounts, each as C(docs/apply.schema.json) describes an account. A file of C(password_file) is on the managed host.
    type: list
    elements: dict
    required: true
  prune:
    description: Remove accounts that are not in the list, at most I(max_removals).
    type: bool
    default: false
  max_removals:
    description: The most accounts that I(prune) may remove; if there are more, none is removed and the task fails.
    type: int
    default: 0
  database:
    description: The account database, where it is not the one of the settings.
    type: path
  config:
    description: The configuration file, where it is not the usual one.
    type: path
  executable:
    description: The program.
    type: path
    default: sasldb-rs
"""

EXAMPLES = r"""
- name: Accounts that send mail
  sasldb_rs_accounts:
    accounts:
      - name: mailman
        password: "{{ vault_mailman }}"
      - name: scanner@example.org
        password_file: /run/secrets/scanner
        mechanisms: [SCRAM-SHA-256, PLAIN]
      - name: former.colleague
        absent: true
"""

RETURN = r"""
accounts:
  description: What was done, or in check mode would be, with each account that was another way.
  returned: always
  type: list
  elements: dict
  sample: [{"done": "created", "account": "mailman@example.com", "differences": ["password main"]}]
summary:
  description: The sum in words.
  returned: always
  type: str
"""

import json

from ansible.module_utils.basic import AnsibleModule

NOTHING_TO_CHANGE, CHANGED = 0, 3


# One of the three, and whether PLAIN and LOGIN are good with it. What is named no_log here is in no output and no log of Ansible's.
PASSWORD = {
    "password": {"type": "str", "no_log": True},
    "password_file": {"type": "path", "no_log": False},
    # A list or a text: a list alone would be cut at the commas of a SCRAM verifier.
    "password_hash": {"type": "raw", "no_log": True},
    "plaintext": {"type": "bool"},
}

LABELLED = dict(
    PASSWORD,
    label={"type": "str", "required": True},
    expires={"type": "str"},
    services={"type": "list", "elements": "str"},
    networks={"type": "list", "elements": "str"},
)

ACCOUNT = dict(
    PASSWORD,
    name={"type": "str", "required": True},
    realm={"type": "str"},
    absent={"type": "bool"},
    disabled={"type": "bool"},
    expires={"type": "str"},
    mechanisms={"type": "list", "elements": "str"},
    passwords={"type": "list", "elements": "dict", "options": LABELLED, "no_log": False},
)


def said(value):
    """The same without what was not said, which Ansible fills in."""
    if isinstance(value, dict):
        return {key: said(part) for key, part in value.items() if part is not None}
    return [said(part) for part in value] if isinstance(value, list) else value


def main():
    module = AnsibleModule(
        argument_spec={
            "accounts": {"type": "list", "elements": "dict", "required": True, "options": ACCOUNT},
            "prune": {"type": "bool", "default": False},
            "max_removals": {"type": "int", "default": 0},
            "database": {"type": "path"},
            "config": {"type": "path"},
            "executable": {"type": "path", "default": "sasldb-rs"},
        },
        supports_check_mode=True,
    )
    command = [module.get_bin_path(module.params["executable"], required=True), "apply", "--json"]
    for option in ("config", "database"):
        if module.params[option]:
            command += ["--" + option, module.params[option]]
    if module.params["prune"]:
        command += ["--prune", "--max-removals", str(module.params["max_removals"])]
    if module.check_mode:
        command.append("--dry-run")
    command.append("-")

    lines = "".join(json.dumps(said(account)) + "\n" for account in module.params["accounts"])
    status, out, told = module.run_command(command, data=lines, binary_data=True)
    done = [json.loads(line) for line in out.splitlines()]
    summary = told.strip().rsplit("\n", 1)[-1]
    result = {"accounts": done, "summary": summary}
    if status not in (NOTHING_TO_CHANGE, CHANGED):
        module.fail_json(msg="sasldb-rs apply: " + told.strip(), changed=bool(done), rc=status, **result)
    for line in told.splitlines():
        if line.startswith("warning: "):
            module.warn(line[len("warning: "):])
    if module._diff:
        after = "".join("%s %s: %s\n" % (e["done"], e["account"], ", ".join(e["differences"])) for e in done)
        result["diff"] = {"before": "", "after": after}
    module.exit_json(changed=status == CHANGED, **result)


if __name__ == "__main__":
    main()
