//! Throw-away measurements.
#![expect(clippy::all, clippy::pedantic, clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods, reason = "throw-away")]
use std::sync::Arc; use std::time::Instant; use std::sync::atomic::*;
use mesoclaw_api::*; use mesoclaw_api::ops::{daemon::*, events::*, NoParams};
use mesoclaw_ipc::*; use tokio_util::{sync::CancellationToken, task::TaskTracker, codec::LinesCodec, codec::Decoder};
use futures_util::StreamExt; use serde_json::{Value, json};
struct S { tx: tokio::sync::broadcast::Sender<Arc<EventFrame>> }
impl RawCaller for S { fn call_raw(&self, _cx: CallCtx, m: &str, _p: Value) -> BoxFuture<'_, ApiResult<Value>> { let m=m.to_owned(); Box::pin(async move { if m=="daemon.hello" { Ok(serde_json::to_value(Hello{protocol:1,version:"1".into(),pid:1,boot_id:"b".into(),subscribed:None}).unwrap()) } else { Ok(json!({"status":"ok"})) } }) } }
impl EventSource for S { fn subscribe(&self, _p: SubscribeParams) -> (Subscribed, EventStream) { let s=tokio_stream::wrappers::BroadcastStream::new(self.tx.subscribe()).map(|r| match r { Ok(f)=>Delivery::Event(f), Err(tokio_stream::wrappers::errors::BroadcastStreamRecvError::Lagged(n))=>Delivery::Lagged{skipped:n}}); (Subscribed{boot_id:"b".into(),seq:0,is_complete:true}, s.boxed()) } }
fn delta(seq:u64)->Arc<EventFrame>{Arc::new(EventFrame{boot_id:"0f6d2f5e-7c1c-4b0a-8d58-000000000000".into(),seq,event:Event::TextDelta{session_id:"0f6d2f5e-7c1c-4b0a-8d58-000000000001".into(),turn_id:"0f6d2f5e-7c1c-4b0a-8d58-000000000002".into(),item_id:"0f6d2f5e-7c1c-4b0a-8d58-000000000002.1".into(),text:" token".into()}})}
fn opts(sub:bool)->ClientOptions{ClientOptions{client:"m".into(),version:"1".into(),surface:Surface::Cli,subscribe:sub.then(SubscribeParams::default)}}
fn med(v:&mut Vec<u128>)->(u128,u128){v.sort();(v[v.len()/2],v[v.len()*99/100])}
fn cpu()->f64{let t=std::fs::read_to_string("/proc/self/stat").unwrap();let f:Vec<&str>=t.rsplit(')').next().unwrap().split_whitespace().collect();(f[11].parse::<f64>().unwrap()+f[12].parse::<f64>().unwrap())/100.0}
fn main(){
  let arg=std::env::args().nth(1).unwrap_or_default();
  let multi = arg=="multi";
  let rt = if multi {tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()} else {tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()};
  // server in its own thread and runtime
  let dir=tempfile::tempdir().unwrap(); let ep=Endpoint::new(dir.path().join("s.sock"));
  let (tx,_)=tokio::sync::broadcast::channel(1024); let svc=Arc::new(S{tx:tx.clone()});
  let stop=CancellationToken::new(); let (e2,s2,st2)=(ep.clone(),svc.clone(),stop.clone());
  let o=ServerOptions::default(); let stats=o.stats.clone();
  let th=std::thread::spawn(move||{ let rt=tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(); rt.block_on(async{ let l=e2.bind().unwrap(); let t=TaskTracker::new(); serve(l,s2,o,st2,t.clone()).await; t.close(); t.wait().await; }) });
  std::thread::sleep(std::time::Duration::from_millis(100));
  rt.block_on(async{
    let mut v=vec![]; for _ in 0..2000 { let t=Instant::now(); let (c,_)=Client::connect(&ep,opts(false)).await.unwrap(); v.push(t.elapsed().as_nanos()/1000); drop(c); } println!("connect+hello us p50/p99 {:?}",med(&mut v));
    let mut v=vec![]; for _ in 0..2000 { let t=Instant::now(); let (c,h)=Client::open(&ep,opts(false)).await.unwrap(); let (a,b)=tokio::join!(c.call::<DaemonHealth>(NoParams{}),h.wait()); a.unwrap();b.unwrap(); v.push(t.elapsed().as_nanos()/1000); } println!("open + pipelined call us {:?}",med(&mut v));
    let (c,_)=Client::connect(&ep,opts(false)).await.unwrap();
    let mut v=vec![]; for _ in 0..20000 { let t=Instant::now(); c.call::<DaemonHealth>(NoParams{}).await.unwrap(); v.push(t.elapsed().as_nanos()/1000); } println!("call us {:?}",med(&mut v));
    let t=Instant::now(); let n=20000; futures_util::stream::iter(0..n).map(|_|c.call::<DaemonHealth>(NoParams{})).buffer_unordered(32).count().await; println!("32 in flight: {:.0} calls/s", n as f64/t.elapsed().as_secs_f64());
    drop(c);
    // one watcher flat out
    let (_c,_)=Client::connect(&ep,opts(true)).await.unwrap(); let mut ev=_c.take_events().unwrap();
    let sent=Arc::new(AtomicU64::new(0)); let got=Arc::new(AtomicU64::new(0)); 
    let (tx2,got2)=(tx.clone(),got.clone()); let total=300_000u64;
    let h=std::thread::spawn(move||{ for s in 1..=total { tx2.send(delta(s)).unwrap(); while s-got2.load(Ordering::Relaxed)>500 {std::thread::yield_now();} } });
    let t=Instant::now(); let mut bytes=0; let mut frames=0; let mut sk=0; loop { match ev.next().await.unwrap() { Delivery::Event(f)=>{frames+=1; got.store(f.seq,Ordering::Relaxed); if let Event::TextDelta{text,..}=&f.event {bytes+=text.len();} if f.seq==total {break}}, Delivery::Lagged{skipped}=>{sk+=skipped;} } } 
    println!("flat out: {:.0} deltas/s, {frames} lines, bytes {bytes} (expect {}), skipped {sk}", total as f64/t.elapsed().as_secs_f64(), total*6); h.join().unwrap(); let _=sent; drop(ev); drop(_c);
    // latency of one delta idle
    let (_c,_)=Client::connect(&ep,opts(true)).await.unwrap(); let mut ev=_c.take_events().unwrap(); let mut v=vec![];
    for s in 1..=5000 { let t=Instant::now(); tx.send(delta(s)).unwrap(); ev.next().await; v.push(t.elapsed().as_nanos()/1000);} println!("publish to received us {:?}",med(&mut v)); drop(ev);drop(_c);
    // 100 watchers (raw readers in a thread), 3000 deltas at 1000/s
    use tokio::io::*; let mut readers=vec![]; let rd=Arc::new(AtomicU64::new(0));
    for _ in 0..100 { let mut s=tokio::net::UnixStream::connect(ep.path()).await.unwrap(); let h=json!({"jsonrpc":"2.0","id":1,"method":"daemon.hello","params":{"protocol":1,"client":"r","version":"1","surface":"cli","subscribe":{}}}); s.write_all(format!("{h}\n").as_bytes()).await.unwrap(); readers.push(s.into_std().unwrap()); }
    while stats.clients()<100 {tokio::task::yield_now().await;}
    let rd2=rd.clone(); let r=std::thread::spawn(move||{ let rt=tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(); rt.block_on(async{ let mut hs=vec![]; for r in readers { let rd=rd2.clone(); hs.push(tokio::spawn(async move{ let mut s=tokio::net::UnixStream::from_std(r).unwrap(); let mut b=vec![0u8;65536]; loop{ let n=s.read(&mut b).await.unwrap(); if n==0{break} rd.fetch_add(b[..n].iter().filter(|c|**c==b'\n').count() as u64,Ordering::Relaxed);} })); } for h in hs {h.await.unwrap();} }) });
    let c0=cpu(); let t=Instant::now(); let mut iv=tokio::time::interval(std::time::Duration::from_millis(1)); for s in 1..=3000u64 { iv.tick().await; tx.send(delta(s)).unwrap(); } 
    println!("100 watchers x 3000 at 1000/s: {:?}, cpu of everything {:.2}s (readers included), lines {}", t.elapsed(), cpu()-c0, rd.load(Ordering::Relaxed)); stop.cancel(); th.join().unwrap(); r.join().unwrap(); println!("lines in all {} skipped {}", rd.load(Ordering::Relaxed), stats.skipped_events());
  });
  // codec
  let line=b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"daemon.health\",\"params\":{}}\n"; let data:Vec<u8>=line.iter().copied().cycle().take(line.len()*200_000).collect();
  let rt=tokio::runtime::Builder::new_current_thread().build().unwrap();
  for _ in 0..3 { let t=Instant::now(); let mut d=codec::LineDecoder::default(); let mut n=0usize; let mut r=&data[..]; rt.block_on(async{ while d.read_from(&mut r).await.unwrap()>0 { while let Some(codec::Line::Text(l))=d.next_line(){n+=l.len();} } }); let ours=t.elapsed();
  let t=Instant::now(); let mut c=LinesCodec::new_with_max_length(8<<20); let mut b=tokio_util::bytes::BytesMut::new(); let mut m=0usize; for ch in data.chunks(16384){ b.extend_from_slice(ch); while let Some(l)=c.decode(&mut b).unwrap(){m+=l.len();} } println!("codec ns/line ours {} LinesCodec {} {}",ours.as_nanos()/200_000,t.elapsed().as_nanos()/200_000,n==m); }
  let f=delta(7); let t=Instant::now(); let mut o=Vec::new(); for _ in 0..1_000_000 { o.clear(); serde_json::to_writer(&mut o,&*f).unwrap(); } println!("encode frame {} ns, {} bytes",t.elapsed().as_nanos()/1_000_000,o.len());
  let s=String::from_utf8(o).unwrap(); let t=Instant::now(); for _ in 0..300_000 { std::hint::black_box(serde_json::from_str::<EventFrame>(&s).unwrap()); } println!("decode frame {} ns",t.elapsed().as_nanos()/300_000);
}
