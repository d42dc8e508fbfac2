//! Several servers on one database: who lives, and who holds which agent.

use super::{PostgresStore, read, signed};
use crate::fleet::{Attached, Attaching, Detaching, Fleet, LeaseSeen, Member, MemberSeen, Says};
use crate::sql::fleet as sql;
use crate::store::{StoreError, check_limit};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Row as _;
use std::time::Duration;
use uuid::Uuid;

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

#[async_trait]
impl Fleet for PostgresStore {
    async fn time(&self) -> Result<Timestamp, StoreError> {
        let time = self.ask_one(|| sqlx::query(sql::TIME), |row| row.try_get::<i64, _>(0)).await?;
        time.and_then(|micros| Timestamp::from_microsecond(micros).ok())
            .ok_or_else(|| StoreError::Unreadable { what: "no time of the database".to_owned() })
    }

    async fn shorten(&self, ttl: Duration, grace: Duration) -> Result<(), StoreError> {
        for (text, most) in
            [(sql::SHORTEN_SERVERS, ttl), (sql::SHORTEN_LEASES, ttl), (sql::SHORTEN_ABSENCES, grace)]
        {
            self.execute(|| sqlx::query(text).bind(micros(most))).await?;
        }
        Ok(())
    }

    async fn join(&self, member: &Member, ttl: Duration) -> Result<u64, StoreError> {
        let query = || {
            let query = sqlx::query(sql::JOIN).bind(member.id).bind(&member.name);
            query.bind(&member.version).bind(micros(ttl))
        };
        let epoch = self.ask_one(query, |row| read::count(row, 0)).await?;
        epoch.ok_or_else(|| StoreError::Unreadable { what: "no epoch of a server".to_owned() })
    }

    async fn beat(&self, id: Uuid, epoch: u64, says: &Says<'_>, ttl: Duration) -> Result<bool, StoreError> {
        let query = || {
            let query = sqlx::query(sql::BEAT).bind(id).bind(signed(epoch)).bind(micros(ttl));
            query.bind(says.draining).bind(says.status)
        };
        Ok(self.ask_one(query, |row| read::count(row, 0)).await? == Some(1))
    }

    async fn leases(&self) -> Result<Vec<LeaseSeen>, StoreError> {
        self.ask(
            || sqlx::query(sql::LEASES),
            |row| {
                Ok(LeaseSeen {
                    name: row.try_get(0)?,
                    holder: row.try_get(1)?,
                    epoch: read::count(row, 2)?,
                    live: row.try_get(3)?,
                })
            },
        )
        .await
    }

    async fn leave(&self, id: Uuid, grace: Duration) -> Result<(), StoreError> {
        let work = || async {
            let mut transaction = self.pool.begin().await?;
            sqlx::query(sql::LEAVE_LEASES).bind(id).execute(&mut *transaction).await?;
            let freed = sqlx::query(sql::LEAVE_ATTACHMENTS).bind(id).bind(micros(grace));
            freed.execute(&mut *transaction).await?;
            sqlx::query(sql::LEAVE).bind(id).execute(&mut *transaction).await?;
            transaction.commit().await
        };
        self.again(work).await
    }

    async fn members(&self) -> Result<Vec<MemberSeen>, StoreError> {
        self.ask(
            || sqlx::query(sql::MEMBERS),
            |row| {
                let member = Member { id: row.try_get(0)?, name: row.try_get(1)?, version: row.try_get(2)? };
                Ok(MemberSeen {
                    member,
                    epoch: read::count(row, 3)?,
                    live: row.try_get(4)?,
                    draining: row.try_get(5)?,
                    sessions: read::count(row, 6)?,
                    status: row.try_get(7)?,
                })
            },
        )
        .await
    }

    async fn attach(&self, server: Uuid, sessions: &[Attaching]) -> Result<Option<Vec<Uuid>>, StoreError> {
        /// One column of all sessions.
        macro_rules! column {
            ($field:ident) => {
                sessions.iter().map(|session| session.$field.clone()).collect::<Vec<_>>()
            };
        }
        let query = || {
            let query = sqlx::query(sql::ATTACH).bind(server).bind(column!(agent)).bind(column!(resource));
            query.bind(column!(session)).bind(column!(connection)).bind(column!(instance))
        };
        let rows =
            self.ask(query, |row| Ok((row.try_get::<Uuid, _>(0)?, row.try_get::<bool, _>(1)?))).await?;
        let live = rows.iter().any(|(_, own)| *own);
        Ok(live.then(|| rows.into_iter().filter(|(_, own)| !own).map(|(agent, _)| agent).collect()))
    }

    async fn detach(&self, server: Uuid, ended: &[Detaching]) -> Result<(), StoreError> {
        let query = || {
            sqlx::query(sql::DETACH)
                .bind(server)
                .bind(ended.iter().map(|e| e.agent).collect::<Vec<_>>())
                .bind(ended.iter().map(|e| e.connection).collect::<Vec<_>>())
                .bind(ended.iter().map(|e| micros(e.delay)).collect::<Vec<_>>())
        };
        self.execute(query).await.map(drop)
    }

    async fn reclaim(&self, server: Uuid, held: &[(Uuid, Uuid)]) -> Result<Vec<Uuid>, StoreError> {
        let (agents, connections): (Vec<Uuid>, Vec<Uuid>) = held.iter().copied().unzip();
        let query = || sqlx::query(sql::RECLAIM).bind(server).bind(agents.clone()).bind(connections.clone());
        self.ask(query, |row| row.try_get(0)).await
    }

    async fn attached(&self, agents: &[Uuid]) -> Result<Vec<Attached>, StoreError> {
        self.ask(
            || sqlx::query(sql::ATTACHED).bind(agents),
            |row| {
                Ok(Attached {
                    agent: row.try_get(0)?,
                    server: row.try_get(1)?,
                    session: row.try_get(2)?,
                    instance: row.try_get(3)?,
                })
            },
        )
        .await
    }

    async fn free_lost(&self, grace: Duration) -> Result<u64, StoreError> {
        let freed = self.execute(|| sqlx::query(sql::FREE_LOST).bind(micros(grace))).await?;
        self.execute(|| sqlx::query(sql::FORGET_MEMBERS)).await?;
        Ok(freed)
    }

    async fn overdue(&self, limit: u32) -> Result<Vec<(Uuid, String)>, StoreError> {
        check_limit(limit)?;
        let query = || sqlx::query(sql::OVERDUE).bind(i64::from(limit));
        self.ask(query, |row| Ok((row.try_get(0)?, row.try_get(1)?))).await
    }

    async fn forget(&self, agent: Uuid) -> Result<bool, StoreError> {
        Ok(self.execute(|| sqlx::query(sql::FORGET).bind(agent)).await? > 0)
    }
}
