"""How fast the bot's endpoint and the lead list are, as ratios to a floor and to a naive view.

    make bench                  on a temporary PostgreSQL
    DATABASE_URL=… make bench   on that server, in a database of its own

Everything is served by one granian with production's settings and asked by four connections. The
client only sends prepared bytes over plain sockets, so that it costs little of what it measures;
the rounds of the rivals take turns, so that a busy machine slows all of them alike.
"""
