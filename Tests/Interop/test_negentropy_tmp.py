import asyncio, sys, time; sys.path.insert(0,'/tmp/interop')
import bridge, requests, wire
import nostr_sdk as ns
from conftest import World
from test_http_signatures import Stranger, send
from datetime import timedelta
def test_x(world, tmp_path):
    st=Stranger.make(tmp_path/'h')
    send(st.request(world.maker.url+"/w/1/posts", b"".join(wire.field(1,d) for d in st.chain)))
    msgs=[]
    def answer(m):
        rep=send(st.request(world.maker.url+"/w/1/sync", wire.field(1, wire.field(1,b""))+wire.field(2,m)))
        assert rep.status_code==200, rep.content
        out=wire.values(rep.content,2)[0]; msgs.append((len(m),len(out)))
        return out
    async def main():
        r=bridge.Relay(answer); port=await r.serve()
        c=ns.ClientBuilder().build()
        keys=ns.Keys.generate()
        now=int(time.time())
        saved=[]
        for i in range(300):
            e=ns.EventBuilder(ns.Kind(1),f"{i}").custom_created_at(ns.Timestamp.from_secs(now-150+i)); e=getattr(e,"finalize",None)(keys) if hasattr(e,"finalize") else e.sign_with_keys(keys)
            saved.append(e.id().to_hex()); await c.database().save_event(e)
        u=ns.RelayUrl.parse(f'ws://127.0.0.1:{port}')
        await c.add_relay(u); await c.connect()
        out=await asyncio.wait_for(c.sync(ns.Filter(), opts=ns.SyncOptions().dry_run()),20)
        s=out.summary if hasattr(out,'summary') else out
        print(dir(out)); print(msgs, r.log)
        v=getattr(out,'val',None) or getattr(out,'output',None) or s
        print(len(v.local), len(v.remote), set(i.to_hex() for i in v.local)==set(saved))
        ids=[i.to_hex() for i in v.remote]
        g=send(st.request(world.maker.url+"/w/1/posts/get", b"".join(wire.field(1,bytes.fromhex(i)) for i in ids)))
        print(len(wire.values(g.content,1)), world.maker.json("status"))
    asyncio.run(main())
