"""What is measured rather than tested.

    make bench                  how fast, as ratios to a floor and to a naive view
    make scenarios              pages of a million leads; a storm, crashes, killed workers, drift
    DATABASE_URL=… make bench   on that server, in a database of its own

Everything is served by granian with production's settings and asked by four connections. The client
only sends prepared bytes over plain sockets, so that it costs little of what it measures; the
rounds of the rivals take turns, so that a busy machine slows all of them alike.

Each scenario is a program, `python -m bench.storm --help`: it prints what it measured and leaves
with exit code 1 and a sentence where a promise is broken.
"""
