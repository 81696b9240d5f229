import os
import re
import unittest
from unittest import mock

import meshbridge

from .fake_proxy import ProxyTest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def text_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


class Readme(ProxyTest):
    def respond(self, request):
        request.read_body()
        if request.headers["host"] == "payroll":
            request.refuse("upstream-not-allowed", 403)
        else:
            request.answer(200, b'{"EUR": 5}', content_type="application/json")

    def test_examples_run(self):
        examples = re.findall(r"```python\n(.*?)```", text_of("README.md"), re.DOTALL)
        names, printed = {}, []
        found = {"MESHBRIDGE_PROXY": self.address, "MESHBRIDGE_TOKEN_FILE": self.token_file}
        with mock.patch.dict(os.environ, found), mock.patch("builtins.print", lambda *words: printed.append(words)):
            for example in examples:
                exec(compile(example, "README.md", "exec"), names)
        self.addCleanup(names["mesh"].close)
        self.assertEqual(len(examples), 4)
        self.assertEqual([request.headers["host"] for request in self.seen], ["ledger", "ledger", "ledger", "payroll"])
        self.assertEqual(names["answer"].status, 200)
        self.assertEqual(printed[0], (10,))
        self.assertEqual(printed[2][:3], ("upstream-not-allowed", 403, "payroll"))


class Package(unittest.TestCase):
    def test_has_the_version_of_the_module_and_no_dependencies(self):
        project = text_of("pyproject.toml")
        self.assertIn(f'\nversion = "{meshbridge.__version__}"\n', project)
        self.assertIn("\ndependencies = []\n", project)

    def test_has_the_licence_of_the_project(self):
        with open(os.path.join(ROOT, "../../../LICENSE"), encoding="utf-8") as file:
            self.assertEqual(text_of("LICENSE"), file.read())
