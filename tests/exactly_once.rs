//! A property of log, journal and reader together, over random lives of a hub: whatever was published when, however small its
//! memory is, wherever it was stopped, killed or cut off by a power failure, and however often clients came and went, a
//! client that names its cursor gets every number that the journal has once and in order, and what it has beyond the
//! journal is of a numbering that has ended.

use claude_mpm::event::body::{Body, Fault, Severity};
use claude_mpm::event::{Draft, Epoch, SessionId, Source, Timestamp};
use claude_mpm::filter::Filter;
use claude_mpm::hub::{Bounds, Hub, Journalist, Next, Numbers, Reader, Rules, Start};
use claude_mpm::journal::{Cursor, From, Journal, segments};
use fastrand::Rng;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use test_support::DEADLINE;
use tokio::task::JoinHandle;

/// Lives; the environment may ask for more.
const SEEDS: u64 = 12;
const LIVES: usize = 8;
const CLIENTS: usize = 4;

type Place = (String, u64);

/// What one client has received, and how it stands now.
#[derive(Default)]
struct Client {
    received: Vec<Place>,
    missed: Vec<Place>,
    cursor: Option<(Epoch, u64)>,
    reader: Option<Reader>,
}

impl Client {
    fn connect(&mut self, hub: &Hub) {
        // The answer to the first subscription names a place already.
        let (epoch, seq) = self.cursor.get_or_insert_with(|| (hub.epoch().clone(), 0));
        self.reader = Some(match epoch == hub.epoch() {
            true => hub.reader(Start::After(*seq), &Filter::all()),
            false => hub.reader_behind(epoch, *seq),
        });
    }

    /// Takes what comes next, if it comes within that time; false at the end.
    async fn read(&mut self, patience: Duration) -> bool {
        let reader = self.reader.as_mut().expect("it is connected");
        match tokio::time::timeout(patience, reader.next()).await {
            Err(_) => {}
            Ok(Next::Closed) => return false,
            Ok(Next::Batch(records)) => {
                for record in records {
                    let event = &record.event;
                    self.received.push((event.epoch.to_string(), event.seq));
                    self.cursor = Some((event.epoch.clone(), event.seq));
                }
            }
            Ok(Next::Gap { epoch, from_seq, to_seq }) => {
                self.missed.extend((from_seq..=to_seq).map(|seq| (epoch.to_string(), seq)));
                self.cursor = Some((epoch, to_seq));
            }
        }
        true
    }
}

/// A hub that goes on with the journal of this directory, as `serve` does.
fn begin(directory: &Path, rng: &mut Rng) -> (Hub, Journalist) {
    let journal = Journal::open(directory).expect("a journal");
    let numbers = journal
        .closed()
        .map_or_else(Numbers::fresh, |end| Numbers { epoch: Epoch::new(&end.epoch), last_seq: end.last_seq });
    let bounds = Bounds { records: rng.usize(5..200), bytes: usize::MAX };
    let hub = Hub::numbered(SessionId::new("s"), bounds, Rules::default(), numbers);
    hub.recover(directory).expect("what is there");
    let writer = journal.writer(hub.epoch().as_str(), rng.u64(2_000..30_000));
    let journalist = hub.keep_journal(writer, Box::new(|| {})).expect("a thread");
    (hub, journalist)
}

/// Wakes readers of a burst, as a server does.
fn paced(hub: &Hub) -> JoinHandle<()> {
    let hub = hub.clone();
    tokio::spawn(async move { hub.run_pacer().await })
}

fn publish(hub: &Hub, count: usize) {
    let publisher = hub.publisher(Source::System);
    for number in 0..count {
        let (error, component, error_code) = (number.to_string(), "c".into(), "RES001".into());
        publisher.publish(Body::Error(Fault { error, component, severity: Severity::Info, error_code }));
    }
}

/// What a kill leaves at this moment.
fn left_whole(directory: &Path, copy: PathBuf) -> PathBuf {
    fs::create_dir(&copy).expect("a directory");
    for entry in fs::read_dir(directory).expect("a journal").flatten() {
        // What is put aside meanwhile is not there any more.
        let _gone = fs::copy(entry.path(), copy.join(entry.file_name()));
    }
    copy
}

/// The same; after a power failure the end of it may be missing.
fn left(directory: &Path, base: &Path, life: usize, rng: &mut Rng) -> PathBuf {
    let copy = left_whole(directory, base.join(life.to_string()));
    if rng.bool()
        && let Some(last) = segments(&copy).expect("a journal").pop()
    {
        let file = fs::File::options().write(true).open(&last.path).expect("a segment");
        let size = file.metadata().expect("a size").len();
        file.set_len(size - rng.u64(0..=size.min(2_000))).expect("a cut");
    }
    copy
}

/// All that the journal has, in order.
fn journalled(directory: &Path) -> Vec<Place> {
    let mut cursor = Cursor::open(directory, &From::Start).expect("a journal");
    let part = cursor.read(usize::MAX).expect("all of it");
    part.records.iter().filter_map(|stored| Some((stored.epoch.to_string(), stored.seq?))).collect()
}

/// Numbers that follow one another, with their epoch.
fn runs<'a>(places: impl IntoIterator<Item = &'a Place>) -> Vec<(String, u64, u64)> {
    let mut runs: Vec<(String, u64, u64)> = Vec::new();
    for (epoch, seq) in places {
        match runs.last_mut() {
            Some((of, _, last)) if of == epoch && *last + 1 == *seq => *last = *seq,
            _ => runs.push((epoch.clone(), *seq, *seq)),
        }
    }
    runs
}

async fn live(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let base = tempfile::tempdir().expect("a directory");
    let mut directory = base.path().join("first");
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::default()).collect();
    let mut last_epoch = String::new();
    for life in 0..LIVES {
        let (hub, journalist) = begin(&directory, &mut rng);
        let pacer = paced(&hub);
        last_epoch = hub.epoch().to_string();
        clients.iter_mut().for_each(|client| client.connect(&hub));
        for _ in 0..rng.usize(1..12) {
            publish(&hub, rng.usize(1..80));
            for client in &mut clients {
                match rng.u8(..4) {
                    0 => client.connect(&hub),
                    1 => {}
                    _ => drop(client.read(Duration::from_millis(rng.u64(0..3))).await),
                }
            }
        }
        let is_last = life + 1 == LIVES;
        if is_last || rng.u8(..3) == 0 {
            hub.close();
            journalist.end().await;
        } else {
            directory = left(&directory, base.path(), life, &mut rng);
            hub.close();
        }
        if is_last {
            for client in &mut clients {
                while client.read(DEADLINE).await {}
            }
        }
        pacer.abort();
    }
    let journalled = journalled(&directory);
    for (number, client) in clients.iter().enumerate() {
        let who = format!("seed {seed}, client {number}");
        let kept: Vec<&Place> = client.received.iter().filter(|place| journalled.contains(place)).collect();
        let lacks: Vec<&Place> = journalled.iter().filter(|place| !client.received.contains(place)).collect();
        assert!(
            lacks.is_empty(),
            "{who} lacks {:?} of {:?}, received {:?}, was told to miss {:?}",
            runs(lacks),
            runs(&journalled),
            runs(&client.received),
            runs(&client.missed)
        );
        assert!(kept.iter().copied().eq(&journalled), "{who} received them in another order");
        let mut beyond = client.received.iter().filter(|place| !journalled.contains(place));
        assert!(
            beyond.all(|(epoch, _)| *epoch != last_epoch),
            "{who}: a number of the last epoch is not kept"
        );
        let mut unique = client.received.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), client.received.len(), "{who}: a number came twice");
        assert!(
            client.missed.iter().all(|place| !journalled.contains(place)),
            "{who}: told to be missed, and kept"
        );
    }
}

/// Events that say they are as old as that.
fn publish_old(hub: &Hub, count: u64) {
    for number in 0..count {
        let (error, component, error_code) = (number.to_string(), "c".into(), "RES001".into());
        let body = Body::Error(Fault { error, component, severity: Severity::Info, error_code });
        let timestamp = Some(Timestamp::from_millis(1_700_000_000_000));
        hub.submit(Draft { timestamp, ..Draft::new(Source::System, body) }, false);
    }
}

/// Waits until the journal ends with this number.
async fn written(directory: &Path, newest: u64) {
    let is_there = async {
        while journalled(directory).last().is_none_or(|(_, seq)| *seq < newest) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, is_there).await.expect("it is written");
}

async fn begins_at_a_time() {
    let (mut rng, base) = (Rng::with_seed(1), tempfile::tempdir().expect("a directory"));
    let directory = base.path().join("first");
    let (hub, journalist) = begin(&directory, &mut rng);
    publish(&hub, 5);
    written(&directory, 5).await;
    let directory = left_whole(&directory, base.path().join("second"));
    hub.close();
    journalist.end().await;
    let (hub, journalist) = begin(&directory, &mut rng);
    let (epoch, pacer) = (hub.epoch().to_string(), paced(&hub));
    for since in [claude_mpm::hub::now(), Timestamp::from_millis(0)] {
        let reader = Some(hub.reader(Start::Since(since), &Filter::all()));
        let mut client = Client { reader, ..Client::default() };
        let behind = hub.last_seq();
        // More than memory holds, of which little at a time waits for the disk.
        let newest = behind + 500;
        while hub.last_seq() < newest {
            publish_old(&hub, 50);
            written(&directory, hub.last_seq()).await;
        }
        while client.cursor.as_ref().is_none_or(|(of, seq)| *of.as_str() != epoch || *seq < newest) {
            assert!(client.read(DEADLINE).await);
        }
        let received = client.received.iter().filter(|(of, seq)| *of == epoch && *seq > behind);
        assert!(
            received.map(|(_, seq)| *seq).eq(behind + 1..=newest),
            "{since}: {:?}",
            runs(&client.received)
        );
        assert!(client.missed.is_empty(), "{:?}", client.missed);
    }
    hub.close();
    journalist.end().await;
    pacer.abort();
}

#[test]
fn who_began_at_a_time_gets_all_that_follows_whatever_times_it_has() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(begins_at_a_time());
}

/// Publishes something of this time, and notes where it stands.
fn say(hub: &Hub, millis: i64, said: &mut Vec<(Place, i64)>) {
    let (error, component, error_code) = ("x".repeat(500), "c".into(), "RES001".into());
    let body = Body::Error(Fault { error, component, severity: Severity::Info, error_code });
    let timestamp = Some(Timestamp::from_millis(millis));
    hub.submit(Draft { timestamp, ..Draft::new(Source::System, body) }, false);
    said.push(((hub.epoch().to_string(), hub.last_seq()), millis));
}

/// Times as instances bring them that tell late, or whose clocks are wrong: mostly they rise a little, some are far off.
async fn times_that_do_not_rise() {
    let base = tempfile::tempdir().expect("a directory");
    let (directory, mut rng) = (base.path().join("journal"), Rng::with_seed(7));
    let (mut said, mut last) = (Vec::new(), None::<String>);
    for life in 0..3 {
        let journal = Journal::open(&directory).expect("a journal");
        let numbers = last.as_deref().map_or_else(Numbers::fresh, Numbers::fresh_behind);
        let bounds = Bounds { records: 60, bytes: usize::MAX };
        let hub = Hub::numbered(SessionId::new("s"), bounds, Rules::default(), numbers);
        hub.recover(&directory).expect("what is there");
        let writer = journal.writer(hub.epoch().as_str(), 200_000);
        let journalist = hub.keep_journal(writer, Box::new(|| {})).expect("a thread");
        last = Some(hub.epoch().to_string());
        let pacer = paced(&hub);
        for _ in 0..20 {
            for _ in 0..rng.usize(1..50) {
                let far = if rng.u8(..40) == 0 { rng.i64(-500_000..500_000) } else { 0 };
                say(&hub, 1_000_000 + life * 100_000 + rng.i64(0..50_000) + far, &mut said);
            }
            written(&directory, hub.last_seq()).await;
        }
        for since in (400_000..1_900_000).step_by(150_000) {
            let reader = Some(hub.reader(Start::Since(Timestamp::from_millis(since)), &Filter::all()));
            let mut client = Client { reader, ..Client::default() };
            say(&hub, since, &mut said);
            let newest = hub.last_seq();
            while client.cursor.as_ref().is_none_or(|(of, seq)| of != hub.epoch() || *seq < newest) {
                assert!(client.read(DEADLINE).await);
            }
            let wanted = said.iter().filter(|(_, millis)| *millis >= since).map(|(place, _)| place);
            assert_eq!(runs(&client.received), runs(wanted), "life {life}, since {since}");
            assert!(client.missed.is_empty(), "life {life}, since {since}: {:?}", client.missed);
        }
        hub.close();
        journalist.end().await;
        pacer.abort();
    }
}

#[test]
fn who_asks_from_a_time_on_gets_what_is_not_older_wherever_it_stands() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(times_that_do_not_rise());
}

#[test]
fn every_number_that_is_kept_comes_once_to_every_client_whatever_becomes_of_the_hub() {
    let seeds =
        std::env::var("EXACTLY_ONCE_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    for seed in 0..seeds {
        runtime.block_on(live(seed));
    }
}
