//! Members that know no HELLO: what they lack is made up for.

mod support;

use doozer_client::{Client, ErrorKind, ListOptions, Options, Secret};
use doozer_wire::{Features, Request, Response, Verb};
use support::{Member, connected_by, script, spawn};

async fn original() -> (Client, Member, support::Members) {
    connected_by(64 << 10, Features::default(), Options::default()).await
}

fn walk(path: &str) -> Response<'_> {
    Response {
        path: Some(path.as_bytes()),
        value: Some(b"v"),
        rev: Some(3),
        flags: Some(4),
        ..Response::default()
    }
}

async fn answer(member: &mut Member, request: &Request, response: Response<'_>) {
    member.answer(Response { tag: request.tag, ..response }).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_becomes_walks_at_one_revision() {
    let (client, mut member, _members) = original().await;
    let list = spawn(async move {
        let options = ListOptions { limit: Some(70), keys_only: true };
        let mut list = client.list("/**", None, options);
        let mut paths = Vec::new();
        while let Some(entry) = list.next().await {
            let entry = entry?;
            assert_eq!((entry.value, entry.len, entry.rev), (None, 1, 3));
            paths.push(entry.path);
        }
        Ok(paths)
    });
    let rev = member.next_of(Verb::Rev).await;
    member.at(&rev, 50).await;
    for offset in 0..70 {
        let request = member.next_of(Verb::Walk).await;
        assert_eq!((request.offset, request.rev), (Some(offset), Some(50)));
        answer(&mut member, &request, walk(&format!("/f{offset}"))).await;
    }
    let paths = list.await.unwrap().unwrap();
    assert_eq!(paths, (0..70).map(|offset| format!("/f{offset}")).collect::<Vec<_>>());
    assert!(member.try_next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_walk_ends_with_range() {
    let (client, mut member, _members) = original().await;
    let walked = spawn(async move { client.walk("/*", Some(9)).await });
    for offset in 0..64 {
        let request = member.next_of(Verb::Walk).await;
        assert_eq!((request.offset, request.rev), (Some(offset), Some(9)));
        if offset < 3 {
            answer(&mut member, &request, walk(&format!("/f{offset}"))).await;
        } else {
            member.fail(&request, ErrorKind::Range).await;
        }
    }
    let paths: Vec<String> = walked.await.unwrap().unwrap().into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["/f0", "/f1", "/f2"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_becomes_one_wait_after_another() {
    let (client, mut member, _members) = original().await;
    let mut watch = client.watch("/**", 5);
    for rev in [7, 8, 12] {
        let request = member.next_of(Verb::Wait).await;
        member.event(&request, "/a", rev).await;
        assert_eq!(watch.next().await.unwrap().unwrap().rev, rev);
        assert_eq!(watch.progress(), rev);
    }
    assert_eq!(member.next_of(Verb::Wait).await.rev, Some(13));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_is_not_taken_back() {
    let (client, mut member, _members) = original().await;
    let wait = spawn({
        let client = client.clone();
        async move { client.wait("/a", 1).await }
    });
    let request = member.next_of(Verb::Wait).await;
    wait.abort();
    assert!(wait.await.unwrap_err().is_cancelled());
    let (rev, ()) = tokio::join!(client.rev(), async {
        let rev = member.next_of(Verb::Rev).await;
        assert_ne!(rev.tag, request.tag);
        member.event(&request, "/a", 3).await;
        member.at(&rev, 3).await;
    });
    assert_eq!(rev, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn rev_stands_in_for_ping_and_status_is_unknown() {
    let (client, mut member, _members) = original().await;
    let (ping, ()) = tokio::join!(client.ping(), async {
        let request = member.next_of(Verb::Rev).await;
        member.at(&request, 3).await;
    });
    assert_eq!(ping, Ok(()));
    assert_eq!(client.status().await.unwrap_err().kind(), ErrorKind::UnknownVerb);
    // Silence is asked about with what it knows.
    let read = spawn(async move { client.get("/a").await });
    let request = member.next_of(Verb::Get).await;
    assert_eq!(request.min_rev, None);
    let rev = member.next_of(Verb::Rev).await;
    member.at(&rev, 3).await;
    member.file(&request, b"", 2).await;
    let file = read.await.unwrap().unwrap();
    assert_eq!((file.value.as_deref(), file.rev), (Some(&b""[..]), 2));
}

#[tokio::test(start_paused = true)]
async fn its_words_for_a_wrong_secret_are_understood() {
    let (connector, mut members) = script(1024);
    let options = Options { secret: Some(Secret::from(b"wrong".to_vec())), ..Options::default() };
    let (client, ()) = tokio::join!(Client::over(connector, options), async {
        let mut member = members.raw().await;
        let hello = member.next_of(Verb::Hello).await;
        member.fail(&hello, ErrorKind::UnknownVerb).await;
        let access = member.next_of(Verb::Access).await;
        assert_eq!(access.value.as_deref(), Some(&b"wrong"[..]));
        let detail = Some("permission denied");
        let denied = Response { err_code: Some(127), err_detail: detail, ..Response::default() };
        answer(&mut member, &access, denied).await;
    });
    assert_eq!(client.unwrap_err().kind(), ErrorKind::PermissionDenied);

    let (client, mut member, _members) = original().await;
    let (wrote, ()) = tokio::join!(client.set("/a", "", 0), async {
        let request = member.next_of(Verb::Set).await;
        let detail = Some("permission denied");
        let denied = Response { err_code: Some(127), err_detail: detail, ..Response::default() };
        answer(&mut member, &request, denied).await;
    });
    assert_eq!(wrote.unwrap_err().kind(), ErrorKind::PermissionDenied);
}
