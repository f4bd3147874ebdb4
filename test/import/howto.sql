-- The four tables of the Postfix and MySQL howto (test/documents/001-mysql-howto.txt), in words that every database takes.
CREATE TABLE domains (domain varchar(255) NOT NULL PRIMARY KEY);
CREATE TABLE forwardings (source varchar(255) NOT NULL PRIMARY KEY, destination TEXT NOT NULL);
CREATE TABLE users (email varchar(255) NOT NULL PRIMARY KEY, password varchar(255) NOT NULL, quota int NOT NULL);
CREATE TABLE transport (domain varchar(255) NOT NULL PRIMARY KEY, transport varchar(255) NOT NULL);
INSERT INTO domains VALUES ('example.com'), ('other.test');
INSERT INTO users VALUES ('sales@example.com', 'No9.E4skNvGa.', 10485760), ('joe@example.com', '$6$KkN6B9cW$x', 0), ('all@other.test', 'b109f3bbbc244eb82441917ed06d618b9008dd09b3befd1b5e07394c706a8bb980b1d7785e5976ec049b46df5f1326af5a2ea6d103fd07c95385ffab0cacbc86', 0);
INSERT INTO forwardings VALUES ('info@example.com', 'sales@example.com, billing@else.test'), ('joe@example.com', 'joe@example.com,joe@else.test'), ('@other.test', 'all@other.test'), ('who@nowhere.test', 'joe@example.com');
INSERT INTO transport VALUES ('else.test', 'smtp:[192.0.2.9]'), ('many.test', 'smtp:[1.2.3.4], smtp:[5.6.7.8]');
