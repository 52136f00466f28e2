BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE archived_streams (
	stream TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	PRIMARY KEY (stream)
);
CREATE TABLE archives (
	last INTEGER NOT NULL, 
	first INTEGER NOT NULL, 
	time INTEGER NOT NULL, 
	hash BLOB NOT NULL, 
	file TEXT NOT NULL, 
	world BLOB NOT NULL, 
	PRIMARY KEY (last)
);
CREATE TABLE beats (
	uid TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	context_percent FLOAT, 
	said_at INTEGER, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (uid)
);
INSERT INTO "beats" VALUES('6181013d39220a02',1,12.5,NULL,1);
CREATE TABLE clocks (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE cohorts (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "cohorts" VALUES('demo/squad/agent/2','demo','{"count":2,"created_at":1700000004.999999,"generation":2,"position":36,"proven":true,"role":"agent","team":"squad","template":{"runtime":{"command":"agent","cwd":"/"}},"workspace":"demo"}');
INSERT INTO "cohorts" VALUES('demo/squad/agent/3','demo','{"count":2,"created_at":1700000009.699998,"generation":3,"position":66,"proven":true,"role":"agent","team":"squad","template":{"runtime":{"command":"agent","cwd":"/"}},"workspace":"demo"}');
CREATE TABLE daemons (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "daemons" VALUES('daemon','','{"pid":1,"position":73,"run_id":"run","started_at":1700000000.0,"stopped_at":1700000009.699998,"version":"0"}');
CREATE TABLE endpoints (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "endpoints" VALUES('demo/svc','demo','{"created_at":1700000000.0,"name":"svc","position":5,"team":"squad","uid":"c017182926920f87","workspace":"demo"}');
CREATE TABLE events (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	time INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	stream_version INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	schema INTEGER NOT NULL, 
	workspace TEXT, 
	team TEXT, 
	role TEXT, 
	session TEXT, 
	uid TEXT, 
	generation INTEGER, 
	actor TEXT NOT NULL, 
	command TEXT, 
	cause INTEGER, 
	payload TEXT NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT events_stream UNIQUE (stream, stream_version)
);
INSERT INTO "events" VALUES(1,1700000000000000,'log',1,'log.created',1,NULL,NULL,NULL,NULL,NULL,NULL,'marvel',NULL,NULL,'{"log_id":"f9f7b92e871748ce"}',X'CCD9045368464863255AAEF6C34794D35AF41DF049BE3701E92C8F8C76F0CD03');
INSERT INTO "events" VALUES(2,1700000000000000,'workspace/demo',1,'workspace.created',1,'demo',NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"uid":"e1d0f646f3722067"}',X'30C2B58621ACEC8FFA32DA2EA52BF83180A4C7782ECE13E9E7A41A07C9C0D09B');
INSERT INTO "events" VALUES(3,1700000000000000,'team/demo/squad',1,'team.applied',1,'demo','squad',NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"roles":["agent"],"uid":"d19b42e12af6e3b5"}',X'071C06D330DDBD75FD089D2272E5323156E2DB4628FE40EEECB31289A2E06706');
INSERT INTO "events" VALUES(4,1700000000000000,'role/demo/squad/agent',1,'role.applied',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"replicas":3,"spec":{"healthcheck":{},"name":"agent","replicas":3,"template":{"runtime":{"command":"agent","cwd":"/"}}},"uid":"92d14d2920b27383"}',X'8B744700A462EBD255135D77F62060CFA3838F782838D008AB9A77A4FE05D0CB');
INSERT INTO "events" VALUES(5,1700000000000000,'workspace/demo',2,'endpoint.applied',1,'demo',NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"name":"svc","team":"squad","uid":"c017182926920f87"}',X'83DBA904F50BE0449EB010AD85CAEB51B2110E1CF556A67E4C94D495A659D178');
INSERT INTO "events" VALUES(6,1700000000000000,'log',2,'daemon.started',1,NULL,NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"pid":1,"run_id":"run","version":"0"}',X'E9717D4CDF5340A4BD7C842D66F795BF88B409C31ED05C0B86D6CE300595CA01');
INSERT INTO "events" VALUES(7,1700000000000000,'role/demo/squad/agent',2,'cohort.created',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,4,'{"count":3,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'143EB321595D51FF1B56B24330388B45DB72240351FC6C7B00A68C5423F4444E');
INSERT INTO "events" VALUES(8,1700000000000000,'session/demo/squad-agent-g1-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"image":"","index":0}',X'72639CF9BA28B845C9F52A44585FE4784295731BD4F37CAB714E3A12100D8058');
INSERT INTO "events" VALUES(9,1700000000000000,'session/demo/squad-agent-g1-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"held":true,"image":"","index":1,"reason":"template-unproven"}',X'6ED5AD3C60842C6F6CFC10FF373A3C88499A68EC5D29B5569B2CBF3ABE6278FD');
INSERT INTO "events" VALUES(10,1700000000000000,'session/demo/squad-agent-g1-2',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"held":true,"image":"","index":2,"reason":"template-unproven"}',X'1AD341BC2E14FCE7701CD1F6212034381F5B58ED6710A0381C5C07E3B69ABB92');
INSERT INTO "events" VALUES(11,1700000000000000,'session/demo/squad-agent-g1-0',2,'session.started',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'test',NULL,8,'{"pane":"%1","pid":1001,"pid_start":7,"server":"1/2"}',X'F22524815AEB428ADEA1F2D0F7267E7AE43E8D5729BC84B31736231EC5BAD4FF');
INSERT INTO "events" VALUES(12,1700000000100000,'session/demo/squad-agent-g1-0',3,'session.readied',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:health',NULL,11,'{"ready":true}',X'89C549B3CD2BAB04AE0ED0871FC45168704ACC1F8359A7A41DAD307CAA7804B5');
INSERT INTO "events" VALUES(13,1700000000100000,'role/demo/squad/agent',3,'cohort.proven',1,'demo','squad','agent',NULL,NULL,1,'controller:sessions',NULL,12,'{}',X'1089E287B9CCD9C391B8777982866A0EBA2F7AEFCD3EFC290494F1810BD96629');
INSERT INTO "events" VALUES(14,1700000000100000,'session/demo/squad-agent-g1-0',4,'health.changed',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:health',NULL,12,'{"health":"healthy","reason":"its process is alive"}',X'C703D7EABA63F188C4A318B5DEAFB3A2730FC81784A8A32D36DFB226FA15324A');
INSERT INTO "events" VALUES(15,1700000000100000,'session/demo/squad-agent-g1-1',2,'session.cleared',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,13,'{}',X'CCC429FB162B1DF3CF4C837B489A71B8693B39D07AA6B3499A4463A00F7D4779');
INSERT INTO "events" VALUES(16,1700000000100000,'session/demo/squad-agent-g1-2',2,'session.cleared',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,13,'{}',X'F1CECABB7A02910AC75C72EF7321E56C3AA4DCCF35DD5126FEA139BB4BB4CC08');
INSERT INTO "events" VALUES(17,1700000000100000,'session/demo/squad-agent-g1-1',3,'session.started',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'test',NULL,15,'{"pane":"%2","pid":1002,"pid_start":7,"server":"1/2"}',X'A17D5F7C8C04DDAADB00BD740F128C441DA8891D4EA348CB54ED845C08D694BA');
INSERT INTO "events" VALUES(18,1700000000100000,'session/demo/squad-agent-g1-2',3,'session.started',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'test',NULL,16,'{"pane":"%3","pid":1003,"pid_start":7,"server":"1/2"}',X'977D0EA07E759755467AF3FEB131AA529493627110B30D5EFDADCFAC709FFE7D');
INSERT INTO "events" VALUES(19,1700000000200000,'session/demo/squad-agent-g1-1',4,'session.readied',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:health',NULL,17,'{"ready":true}',X'FE2E3BDEE311B9EE64BBE9A254AEE3F404F9D6C604838F79D0A5CE419C795186');
INSERT INTO "events" VALUES(20,1700000000200000,'session/demo/squad-agent-g1-2',4,'session.readied',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:health',NULL,18,'{"ready":true}',X'33F8D8439D470FD2704644836DC334BC380BAD729547DA8616B227C21BF91DCD');
INSERT INTO "events" VALUES(21,1700000000200000,'session/demo/squad-agent-g1-1',5,'health.changed',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:health',NULL,19,'{"health":"healthy","reason":"its process is alive"}',X'05B319AD97F45D4C1B8E369C94F981329144EE59562C1712E040BB8789EC8F7A');
INSERT INTO "events" VALUES(22,1700000000200000,'session/demo/squad-agent-g1-2',5,'health.changed',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:health',NULL,20,'{"health":"healthy","reason":"its process is alive"}',X'2D5AA57EAD7CD1EC6BF23EA6D1D74BF24C962F4F9500D9DE1CC80BA09C1C2DC4');
INSERT INTO "events" VALUES(23,1700000001400000,'session/demo/squad-agent-g1-0',5,'session.ended',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'test',NULL,14,'{"exit_status":7,"reason":"crashed","state":"failed"}',X'E49D8BFC41D8845899A9AB2DBDF645B23D652E95B146791209C4A5726A258997');
INSERT INTO "events" VALUES(24,1700000001400000,'session/demo/squad-agent-g1-0',6,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:sessions',NULL,23,'{"command":"agent","delay":0.0,"image":"","index":0,"replaces":"fb355baa22f2e727","restarts":1,"streak":1}',X'57BF9B3C0B4372E05E02C02383EF2E02ED53028049EBCAEF44FAE315EE25A062');
INSERT INTO "events" VALUES(25,1700000001400000,'session/demo/squad-agent-g1-0',7,'session.started',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'test',NULL,24,'{"pane":"%4","pid":1004,"pid_start":7,"server":"1/2"}',X'0D939CD079861DC9D1916600B609D9B549CCCF1E2FD697D9D12837CD2C767F7A');
INSERT INTO "events" VALUES(26,1700000001500000,'session/demo/squad-agent-g1-0',8,'session.readied',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:health',NULL,25,'{"ready":true}',X'DC9D3F2F719371C6A22D30EC8C710FADC48A7D42DCF1E3EFB2C78042AD6EE926');
INSERT INTO "events" VALUES(27,1700000001500000,'session/demo/squad-agent-g1-0',9,'health.changed',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:health',NULL,26,'{"health":"healthy","reason":"its process is alive"}',X'57A6CCE2DC103F41B4F06338B0899C3E6B9D0324C83557C761D400C9BBC68600');
INSERT INTO "events" VALUES(28,1700000002699999,'role/demo/squad/agent',4,'role.scaled',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"replicas":2}',X'47A04AF7731151438760B3ECFC087F9BD67BCAA79246DF60ED826B7F3D2E8D3A');
INSERT INTO "events" VALUES(29,1700000002699999,'role/demo/squad/agent',5,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,28,'{"count":2}',X'2E2BF7DEB47F7F493F9EA57E86C4F33CA1F01AFC7927A3E2C994D6D3305B7022');
INSERT INTO "events" VALUES(30,1700000002699999,'session/demo/squad-agent-g1-2',6,'session.stopping',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,29,'{"deadline":1700000012.6999993,"reason":"scaled-down","release":true}',X'FBA6D76A860C3C4F5EAFA41E38567643F9CC87FCBF7C73187A77AFEA76F9F5B5');
INSERT INTO "events" VALUES(31,1700000003899999,'session/demo/squad-agent-g1-2',7,'session.ended',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'test',NULL,30,'{"reason":"scaled-down","signal":"TERM","state":"stopped"}',X'AAB86C0172B0DE170C78474B0E614660D12FCFB5292296963CB8F7D4E3948847');
INSERT INTO "events" VALUES(32,1700000004999999,'role/demo/squad/agent',6,'shift.requested',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"requested"}',X'F40C0E44665E089D3C925C6C349274E2D61A5229BB6D13C05D90C1556389029C');
INSERT INTO "events" VALUES(33,1700000004999999,'role/demo/squad/agent',7,'cohort.created',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,32,'{"count":0,"proven":true,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'4CA15BF12FC858205C021FDDF49FC549A532EBFC6E68090A03F4ED47D6D58307');
INSERT INTO "events" VALUES(34,1700000004999999,'role/demo/squad/agent',8,'shift.started',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,32,'{"from_generation":1,"reason":"requested"}',X'626C397C89802171F45FCE4616CD9960FF1AF3BED49B9F356F0518202D76AE21');
INSERT INTO "events" VALUES(35,1700000004999999,'role/demo/squad/agent',9,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,34,'{"old":2,"phase":"launching","ready":0,"replicas":2}',X'1F13AC810162B5FE200187867E3A94C97BF6021E7357FC5BB8CB5800805D6939');
INSERT INTO "events" VALUES(36,1700000004999999,'role/demo/squad/agent',10,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,35,'{"count":2}',X'AD6C2FA23EB3190EA8B6782333FD8BBB3F30808F933F512B183679E4AE651E0D');
INSERT INTO "events" VALUES(37,1700000004999999,'session/demo/squad-agent-g2-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:sessions',NULL,36,'{"command":"agent","delay":0.0,"image":"","index":0}',X'CB25A9083762FB4DD66C19887F6C0B60032C980CA976F9C633F47FB87274DC81');
INSERT INTO "events" VALUES(38,1700000004999999,'session/demo/squad-agent-g2-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:sessions',NULL,36,'{"command":"agent","delay":0.0,"image":"","index":1}',X'1F1EC53ADE29E51663348025E3D97D112F879B8D9DBD13A3C91ABE6BF35C8732');
INSERT INTO "events" VALUES(39,1700000004999999,'role/demo/squad/agent',11,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,35,'{"deadline":1700000304.999999,"old":2,"phase":"launching","ready":0,"replicas":2}',X'71D20866389469E4DA85AE3C97D53873AAA77D211E5C33BBF252B347FCF65E6D');
INSERT INTO "events" VALUES(40,1700000004999999,'session/demo/squad-agent-g2-0',2,'session.paired',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:shifts',NULL,27,'{"predecessor":"dfdb700c0ebbcfb5"}',X'B499161F55073BC4B6619813EE4B4E0D1FFFDED8F4C8AB358047BBCAEBD94551');
INSERT INTO "events" VALUES(41,1700000004999999,'session/demo/squad-agent-g2-1',2,'session.paired',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:shifts',NULL,21,'{"predecessor":"70fba57e21af6fda"}',X'70C20984497592ECBCABE4D263773E6EC653E0E77AFDC79AC257945812ACFB78');
INSERT INTO "events" VALUES(42,1700000004999999,'session/demo/squad-agent-g2-0',3,'session.started',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'test',NULL,40,'{"pane":"%5","pid":1005,"pid_start":7,"server":"1/2"}',X'B95DBE13F02789536990A7361B2313531A1C68D434BD50CF2663E665C4EA21F4');
INSERT INTO "events" VALUES(43,1700000004999999,'session/demo/squad-agent-g2-1',3,'session.started',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'test',NULL,41,'{"pane":"%6","pid":1006,"pid_start":7,"server":"1/2"}',X'99E057AB3EFA6681194B5745AC14A3E8A9D469438AFD5853D98E60862F43BD9C');
INSERT INTO "events" VALUES(44,1700000005099999,'session/demo/squad-agent-g2-0',4,'session.readied',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:health',NULL,42,'{"ready":true}',X'D46120232467D3DDCB2D030FF012B5E7E1A90E24A344E29F3ABB5F60A0D57935');
INSERT INTO "events" VALUES(45,1700000005099999,'session/demo/squad-agent-g2-1',4,'session.readied',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:health',NULL,43,'{"ready":true}',X'E9CAB8C0A98F057CA015CF631DD3A624334E49BA9EF1F3F01DBA25CBE0BAE8FD');
INSERT INTO "events" VALUES(46,1700000005099999,'role/demo/squad/agent',12,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,39,'{"old":2,"phase":"draining","ready":2,"replicas":2}',X'09057FBF004FB348280A9CCB74D880417437E82E6B32D2CBE41316FFE02CBC7B');
INSERT INTO "events" VALUES(47,1700000005099999,'session/demo/squad-agent-g2-0',5,'health.changed',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:health',NULL,44,'{"health":"healthy","reason":"its process is alive"}',X'B84F7937559BB713C51D6989F712062E311C1BE02F110D9658358BBF28322919');
INSERT INTO "events" VALUES(48,1700000005099999,'session/demo/squad-agent-g2-1',5,'health.changed',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:health',NULL,45,'{"health":"healthy","reason":"its process is alive"}',X'33CAF53B9040194BDD1146D713F2F76040C934D6D3B34EE3BA420720B0D99958');
INSERT INTO "events" VALUES(49,1700000005099999,'session/demo/squad-agent-g1-1',6,'session.retiring',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:shifts',NULL,46,'{"deadline":1700000605.099999,"reason":"shift"}',X'C36F344AD2F7BFA9C1F1268FE04B490A761BFE245E777891BC099FF82345CF0A');
INSERT INTO "events" VALUES(50,1700000005099999,'session/demo/squad-agent-g1-0',10,'session.retiring',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:shifts',NULL,46,'{"deadline":1700000605.099999,"reason":"shift"}',X'F98562DFF8881F8CDEA5D184167CDEDEC9CC6690B8C02BD429CA962F2BA55A3C');
INSERT INTO "events" VALUES(51,1700000005099999,'session/demo/squad-agent-g1-0',11,'session.dismissed',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:shifts',NULL,50,'{"reason":"shift"}',X'AAA571C371D32DD06F5E4FF99267BFBAE40285D4ABFF49D18E68372F13DBA4E2');
INSERT INTO "events" VALUES(52,1700000005099999,'role/demo/squad/agent',13,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,50,'{"count":1}',X'E057A9807D91AD0228C658B0EB0B4223228016FB39B5F3FA525D9C74A0DCBDCD');
INSERT INTO "events" VALUES(53,1700000005099999,'session/demo/squad-agent-g1-1',7,'session.dismissed',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:shifts',NULL,49,'{"reason":"shift"}',X'CD8E1F7DB59C32C248112146F2A1E23A6C7071E105E0B0502809F4856D02B224');
INSERT INTO "events" VALUES(54,1700000005099999,'role/demo/squad/agent',14,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,49,'{"count":0}',X'8945720D3FEA985E4451FFEDA513AC34120A15CC4B22F98C8F603D06AD593464');
INSERT INTO "events" VALUES(55,1700000005099999,'session/demo/squad-agent-g1-0',12,'session.stopping',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:sessions',NULL,54,'{"deadline":1700000015.099999,"reason":"replaced","release":true}',X'BAEE20616188A082F00AF98D637FCE0E0651ECB5A01161A58DB41C5011EFD7EC');
INSERT INTO "events" VALUES(56,1700000005099999,'session/demo/squad-agent-g1-1',8,'session.stopping',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,54,'{"deadline":1700000015.099999,"reason":"replaced","release":true}',X'A8BB11E1F90CF9741E61FE9C1BAFEED1B3B36039CDB56C32E3BE028084D4F603');
INSERT INTO "events" VALUES(57,1700000005099999,'role/demo/squad/agent',15,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,46,'{"old":2,"phase":"launching","ready":2,"replicas":2}',X'219511E2535C18E74014EA108E9F7E976ECA9A9A67B31EEF0D513602F4169957');
INSERT INTO "events" VALUES(58,1700000006299999,'session/demo/squad-agent-g1-1',9,'session.ended',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'test',NULL,56,'{"reason":"replaced","signal":"TERM","state":"stopped"}',X'12F5D0228E9D9F430442BC9D60BD3765031BA1C2449580A0A0C1F8F3A6626DCE');
INSERT INTO "events" VALUES(59,1700000006299999,'session/demo/squad-agent-g1-0',13,'session.ended',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'test',NULL,55,'{"reason":"replaced","signal":"TERM","state":"stopped"}',X'15A37760C402AC491DD6CB99EF745FF319EF46F32253F633E6B117699B376257');
INSERT INTO "events" VALUES(60,1700000006299999,'role/demo/squad/agent',16,'shift.completed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,57,'{}',X'7C7DDA0D11B77DEEED099599B25DF91DAB24EB7A14D1351313323527D3DF32C2');
INSERT INTO "events" VALUES(61,1700000006299999,'role/demo/squad/agent',17,'cohort.removed',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,54,'{}',X'A0116AFBDEAB8148C67CFBD714834C7870AF0955610B46A03B613704E19DB818');
INSERT INTO "events" VALUES(62,1700000009699998,'role/demo/squad/agent',18,'shift.requested',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"requested"}',X'135E808680233C8D95450252556B72CC78028A612D43C8C71391D90FCF84F28C');
INSERT INTO "events" VALUES(63,1700000009699998,'role/demo/squad/agent',19,'cohort.created',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,62,'{"count":0,"proven":true,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'A23F1AC71A217A5FB6E899DDF6FE367B31231992C562E73E382FB84D804A1D56');
INSERT INTO "events" VALUES(64,1700000009699998,'role/demo/squad/agent',20,'shift.started',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,62,'{"from_generation":2,"reason":"requested"}',X'FFB2E4A22F2CF7655A8531A03EBB5016FBA1D8F195754A9BDF0846161D876041');
INSERT INTO "events" VALUES(65,1700000009699998,'role/demo/squad/agent',21,'shift.progressed',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,64,'{"old":2,"phase":"launching","ready":0,"replicas":2}',X'82E3CC6962116BF7AC10856C3F871426B00F9A03957544CA54CF66AD773865EE');
INSERT INTO "events" VALUES(66,1700000009699998,'role/demo/squad/agent',22,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,65,'{"count":2}',X'0FC11952892A3FB1918E7424C9E20A1463096FCEFCEB9728B246F29D356C583C');
INSERT INTO "events" VALUES(67,1700000009699998,'session/demo/squad-agent-g3-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g3-0','6181013d39220a02',3,'controller:sessions',NULL,66,'{"command":"agent","delay":0.0,"image":"","index":0}',X'EAD2B6747EBF65DAF86E28EEBE5BA302DA091CAB5A586E210CC1BB1C9AA5174C');
INSERT INTO "events" VALUES(68,1700000009699998,'session/demo/squad-agent-g3-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g3-1','a3b88dc765206889',3,'controller:sessions',NULL,66,'{"command":"agent","delay":0.0,"image":"","index":1}',X'97C40868FB86A33D1F3F32AD2AC139D9887E2298351FD69BFC59165EF03026EC');
INSERT INTO "events" VALUES(69,1700000009699998,'role/demo/squad/agent',23,'shift.progressed',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,65,'{"deadline":1700000309.6999984,"old":2,"phase":"launching","ready":0,"replicas":2}',X'F6AC0A07C5666D87174F1E2772DF0A6DF62650A21F68F4CDABC7A8F57CD0CDFD');
INSERT INTO "events" VALUES(70,1700000009699998,'session/demo/squad-agent-g3-0',2,'session.paired',1,'demo','squad','agent','squad-agent-g3-0','6181013d39220a02',3,'controller:shifts',NULL,47,'{"predecessor":"ba64baa7a3776239"}',X'ED558D2841945B0AFB85BE7C54C06C3A68377B326E3F5CD4DA51AE29F8F2355B');
INSERT INTO "events" VALUES(71,1700000009699998,'session/demo/squad-agent-g3-1',2,'session.paired',1,'demo','squad','agent','squad-agent-g3-1','a3b88dc765206889',3,'controller:shifts',NULL,48,'{"predecessor":"a954f3564a8ff26b"}',X'02D0723231CEE9559136C448104CA0C9E8264963AB55F07C08E45227C154B6D8');
INSERT INTO "events" VALUES(72,1700000009699998,'session/demo/adhoc-0',1,'session.scheduled',1,'demo','adhoc','adhoc','adhoc-0','bb822dcee379ae47',0,'test',NULL,NULL,'{"command":"","image":"","index":0,"one_off":true,"template":{}}',X'F4C3466300A75186108D991515FC8711357A0C17BDF8EF7277885057E88940D2');
INSERT INTO "events" VALUES(73,1700000009699998,'log',3,'daemon.stopped',1,NULL,NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"stop","run_id":"run"}',X'AE246C7AA8F5176FD66718D903EB79CA9BF2148A421D51243D58D4D092B5795B');
CREATE TABLE generations (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "generations" VALUES('demo/squad/agent','demo','{"generation":3,"past":[{"generation":1,"template":{"runtime":{"command":"agent","cwd":"/"}}}],"position":63,"role":"agent","team":"squad","workspace":"demo"}');
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('log_id','f9f7b92e871748ce');
INSERT INTO "meta" VALUES('projection','2');
CREATE TABLE roles (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "roles" VALUES('demo/squad/agent','demo','{"created_at":1700000000.0,"name":"agent","position":28,"replicas":2,"spec":{"healthcheck":{},"name":"agent","replicas":3,"template":{"runtime":{"command":"agent","cwd":"/"}}},"team":"squad","uid":"92d14d2920b27383","workspace":"demo"}');
CREATE TABLE sessions (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "sessions" VALUES('fb355baa22f2e727','demo','{"cleared_at":1700000000.0,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000001.4,"exit_status":7,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.1,"image":"","index":0,"name":"squad-agent-g1-0","pane":"%1","passed_at":1700000000.1,"pid":1001,"pid_start":7,"position":24,"ready_since":1700000000.1,"reason":"crashed","role":"agent","server":"1/2","started":11,"started_at":1700000000.0,"state":"failed","team":"squad","uid":"fb355baa22f2e727","workspace":"demo"}');
INSERT INTO "sessions" VALUES('1c4674ac11e12fad','demo','{"cleared_at":1700000000.1,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000003.899999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.2,"image":"","index":2,"name":"squad-agent-g1-2","outcome":"stopped","pane":"%3","passed_at":1700000000.2,"pid":1003,"pid_start":7,"position":31,"ready_since":1700000000.2,"reason":"scaled-down","role":"agent","server":"1/2","signal":"TERM","started":18,"started_at":1700000000.1,"state":"stopped","stop":{"at":1700000002.699999,"deadline":1700000012.6999993,"reason":"scaled-down","release":true},"team":"squad","uid":"1c4674ac11e12fad","workspace":"demo"}');
INSERT INTO "sessions" VALUES('ba64baa7a3776239','demo','{"cleared_at":1700000004.999999,"command":"agent","created_at":1700000004.999999,"delay":0.0,"generation":2,"health":"healthy","health_reason":"its process is alive","health_since":1700000005.099999,"image":"","index":0,"name":"squad-agent-g2-0","pane":"%5","passed_at":1700000005.099999,"pid":1005,"pid_start":7,"position":47,"predecessor":"dfdb700c0ebbcfb5","ready":true,"ready_since":1700000005.099999,"role":"agent","server":"1/2","started":42,"started_at":1700000004.999999,"state":"running","team":"squad","uid":"ba64baa7a3776239","workspace":"demo"}');
INSERT INTO "sessions" VALUES('a954f3564a8ff26b','demo','{"cleared_at":1700000004.999999,"command":"agent","created_at":1700000004.999999,"delay":0.0,"generation":2,"health":"healthy","health_reason":"its process is alive","health_since":1700000005.099999,"image":"","index":1,"name":"squad-agent-g2-1","pane":"%6","passed_at":1700000005.099999,"pid":1006,"pid_start":7,"position":48,"predecessor":"70fba57e21af6fda","ready":true,"ready_since":1700000005.099999,"role":"agent","server":"1/2","started":43,"started_at":1700000004.999999,"state":"running","team":"squad","uid":"a954f3564a8ff26b","workspace":"demo"}');
INSERT INTO "sessions" VALUES('70fba57e21af6fda','demo','{"cleared_at":1700000000.1,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000006.299999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.2,"image":"","index":1,"name":"squad-agent-g1-1","outcome":"stopped","pane":"%2","passed_at":1700000000.2,"pid":1002,"pid_start":7,"position":58,"ready_since":1700000000.2,"reason":"replaced","retirement":{"at":1700000005.099999,"deadline":1700000605.099999,"dismissed":true,"reason":"shift"},"role":"agent","server":"1/2","signal":"TERM","started":17,"started_at":1700000000.1,"state":"stopped","stop":{"at":1700000005.099999,"deadline":1700000015.099999,"reason":"replaced","release":true},"team":"squad","uid":"70fba57e21af6fda","workspace":"demo"}');
INSERT INTO "sessions" VALUES('dfdb700c0ebbcfb5','demo','{"cleared_at":1700000001.4,"command":"agent","created_at":1700000001.4,"current":false,"delay":0.0,"ended_at":1700000006.299999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000001.5,"image":"","index":0,"name":"squad-agent-g1-0","outcome":"stopped","pane":"%4","passed_at":1700000001.5,"pid":1004,"pid_start":7,"position":59,"ready_since":1700000001.5,"reason":"replaced","replaces":"fb355baa22f2e727","restarts":1,"retirement":{"at":1700000005.099999,"deadline":1700000605.099999,"dismissed":true,"reason":"shift"},"role":"agent","server":"1/2","signal":"TERM","started":25,"started_at":1700000001.4,"state":"stopped","stop":{"at":1700000005.099999,"deadline":1700000015.099999,"reason":"replaced","release":true},"streak":1,"team":"squad","uid":"dfdb700c0ebbcfb5","workspace":"demo"}');
INSERT INTO "sessions" VALUES('6181013d39220a02','demo','{"cleared_at":1700000009.699998,"command":"agent","created_at":1700000009.699998,"delay":0.0,"generation":3,"image":"","index":0,"name":"squad-agent-g3-0","position":70,"predecessor":"ba64baa7a3776239","role":"agent","state":"pending","team":"squad","uid":"6181013d39220a02","workspace":"demo"}');
INSERT INTO "sessions" VALUES('a3b88dc765206889','demo','{"cleared_at":1700000009.699998,"command":"agent","created_at":1700000009.699998,"delay":0.0,"generation":3,"image":"","index":1,"name":"squad-agent-g3-1","position":71,"predecessor":"a954f3564a8ff26b","role":"agent","state":"pending","team":"squad","uid":"a3b88dc765206889","workspace":"demo"}');
INSERT INTO "sessions" VALUES('bb822dcee379ae47','demo','{"cleared_at":1700000009.699998,"command":"","created_at":1700000009.699998,"delay":0.0,"generation":0,"image":"","index":0,"name":"adhoc-0","one_off":true,"position":72,"role":"adhoc","state":"pending","team":"adhoc","template":{},"uid":"bb822dcee379ae47","workspace":"demo"}');
CREATE TABLE shifts (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "shifts" VALUES('demo/squad/agent','demo','{"cause":62,"deadline":1700000309.6999984,"from_generation":2,"old":2,"position":69,"reason":"requested","replicas":2,"requested_at":1700000009.699998,"role":"agent","started_at":1700000009.699998,"team":"squad","to_generation":3,"workspace":"demo"}');
CREATE TABLE snapshots (
	position INTEGER NOT NULL, 
	projection INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (position)
);
CREATE TABLE teams (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "teams" VALUES('demo/squad','demo','{"created_at":1700000000.0,"name":"squad","position":3,"roles":["agent"],"uid":"d19b42e12af6e3b5","workspace":"demo"}');
CREATE TABLE workspaces (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "workspaces" VALUES('demo','demo','{"created_at":1700000000.0,"name":"demo","position":2,"uid":"e1d0f646f3722067"}');
CREATE INDEX events_command ON events (command) WHERE command IS NOT NULL;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE position = NEW.position OR (stream = NEW.stream AND stream_version = NEW.stream_version)) BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE INDEX workspaces_workspace ON workspaces (workspace);
CREATE INDEX teams_workspace ON teams (workspace);
CREATE INDEX roles_workspace ON roles (workspace);
CREATE INDEX cohorts_workspace ON cohorts (workspace);
CREATE INDEX sessions_workspace ON sessions (workspace);
CREATE INDEX endpoints_workspace ON endpoints (workspace);
CREATE INDEX shifts_workspace ON shifts (workspace);
CREATE INDEX generations_workspace ON generations (workspace);
CREATE INDEX daemons_workspace ON daemons (workspace);
CREATE INDEX clocks_workspace ON clocks (workspace);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',73);
COMMIT;
