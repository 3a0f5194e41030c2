//! Our own conversations, to the byte.

use sasldb::vocabulary::Mechanism;

use super::{World, meant, shown};

pub(crate) fn play(text: &str) -> Result<(), String> {
    let mut world = World::new("example.org");
    let mut segment = Vec::new();
    let watches_log = text.lines().any(|line| line.starts_with("L: "));
    for (number, line) in text.lines().enumerate() {
        let at = |fault: String| format!("line {}: {fault}", number + 1);
        if let Some(said) = line.strip_prefix("C: ").or(line.strip_prefix("C+ ")) {
            heard_everything(&mut world).map_err(at)?;
            segment.extend(meant(said));
            segment.push(b'\n');
            if line.starts_with("C: ") {
                connect(&mut world);
                world.receive(&std::mem::take(&mut segment));
            }
        } else if let Some(expected) = line.strip_prefix("S: ") {
            connect(&mut world);
            match world.next_line() {
                Some(said) if shown(&said) == expected => {}
                Some(said) => return Err(at(format!("the server says {}", shown(&said)))),
                None => return Err(at("the server says nothing".to_owned())),
            }
        } else if line == "S!" {
            heard_everything(&mut world).map_err(at)?;
            if !std::mem::take(&mut world.closed) {
                return Err(at("the connection is open".to_owned()));
            }
        } else if let Some(expected) = line.strip_prefix("L: ") {
            match world.log.pop_front() {
                Some(logged) if logged == expected => {}
                other => return Err(at(format!("the log says {other:?}"))),
            }
        } else if let Some(directive) = line.strip_prefix("# ") {
            obey(&mut world, directive).map_err(at)?;
        } else if !line.is_empty() && line != "#" && line != "D!" && !line.starts_with("D: ") {
            return Err(at("not a line of a transcript".to_owned()));
        }
    }
    heard_everything(&mut world)?;
    if world.closed {
        return Err("the server has closed the connection".to_owned());
    }
    match world.log.pop_front().filter(|_| watches_log) {
        Some(line) => Err(format!("the log also says {line}")),
        None => Ok(()),
    }
}

fn connect(world: &mut World) {
    if !world.is_connected() {
        world.connect();
    }
}

/// A new connection; its greeting has been read.
fn greet(world: &mut World) {
    world.connect();
    while world.next_line().is_some() {}
}

fn heard_everything(world: &mut World) -> Result<(), String> {
    world.next_line().map_or(Ok(()), |line| Err(format!("the server has also said {}", shown(&line))))
}

fn obey(world: &mut World, directive: &str) -> Result<(), String> {
    let words: Vec<&str> = directive.split(' ').collect();
    match words[..] {
        ["account", user, password] => world.add(user, password),
        ["disabled", user] => world.disable(user),
        ["mechanisms", ref names @ ..] => {
            world.announce(names.iter().map(|name| Mechanism::from_name(name.as_bytes()).unwrap()).collect());
        }
        ["burst", failures] => world.bar_after(failures.parse().unwrap()),
        ["log_unknown_names"] => world.show_unknown_names(),
        ["listed"] => world.believe_peer(),
        ["userdb"] => world.ask_userdb(),
        ["greeted"] => greet(world),
        ["gone"] => world.hang_up(),
        ["client", minor] => {
            greet(world);
            world.receive(format!("VERSION\t1\t{minor}\nCPID\t7\n").as_bytes());
        }
        ["advance", time] => {
            heard_everything(world)?;
            world.advance(humantime::parse_duration(time).map_err(|fault| fault.to_string())?);
        }
        ["store", how @ ("down" | "later" | "up")] => world.answer(how),
        ["answers"] => world.deliver(),
        _ => {}
    }
    Ok(())
}
