"""How lit runs the tests of this folder. Loaded by the lit.site.cfg.py that CMake writes into the build folder.

    python3 /usr/lib/llvm-19/build/utils/lit/lit.py -v build/test/lit
"""
import os

import lit.formats

config.name = "netc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".nir", ".net", ".test"]
config.excludes = ["Inputs", "CMakeLists.txt"]
config.test_source_root = os.path.dirname(__file__)
config.environment["PATH"] = os.pathsep.join(
    [config.netc_tools_dir, config.netc_filecheck_dir, config.environment["PATH"]])
config.substitutions.append(("%source", config.netc_source_dir))
