"""Serves a GGUF file with llama.cpp's own server, as the package `xllamacpp` holds it.

    python3 foreign_server.py MODEL PORT [--name NAME] [--context TOKENS] [--key KEY] [--endless]

Prints `listening PORT` when it answers; PORT 0 chooses a free one. It ends when its standard input
does, so that no server outlives the test that started it. Nothing is downloaded.
"""

import argparse
import os
import sys
from urllib.parse import urlsplit

import xllamacpp


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", help="path of a GGUF file")
    parser.add_argument("port", type=int, help="0 chooses a free one")
    parser.add_argument("--name", default="served", help="what the model is called")
    parser.add_argument("--context", type=int, default=2048, help="length of the context in tokens")
    parser.add_argument("--key", help="answer only with this API key")
    parser.add_argument("--endless", action="store_true", help="no answer ends by itself")
    return parser.parse_args()


def parameters(args):
    params = xllamacpp.CommonParams()
    params.offline = True
    params.model.path = args.model
    params.model_alias = {args.name}
    params.hostnames = ["127.0.0.1"]
    params.port = args.port
    params.n_ctx = args.context
    # One answer at a time, on one processor: other tests run beside this.
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_gpu_layers = 0
    params.ui = False
    params.endpoint_metrics = True
    params.endpoint_slots = True
    # The likeliest word each time, unless a request says otherwise.
    params.sampling.temp = 0.0
    params.sampling.ignore_eos = args.endless
    # No log: what is wrong here is an exception, and a request learns its own errors.
    params.verbosity = 0
    if args.key:
        params.api_keys = [args.key]
    return params


def main():
    server = xllamacpp.Server(parameters(arguments()))
    print("listening", urlsplit(server.listening_address).port, flush=True)
    while os.read(sys.stdin.fileno(), 1024):
        pass
    # At once, whatever is being answered.
    os._exit(0)


if __name__ == "__main__":
    main()
