"""The machine the measurement runs on, in words."""
import os
import platform


def describe():
    model, flags = platform.machine(), set()
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            if key.strip() == "flags":
                flags = set(value.split())
    level = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else ""
    return {"model": model, "cores": len(os.sched_getaffinity(0)), "vectors": level, "virtual": "hypervisor" in flags,
            "system": f"{platform.system()} {platform.release()}", "python": platform.python_version()}
